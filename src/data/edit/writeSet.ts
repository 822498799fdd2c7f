import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError, isFull, lockFolder, present, readJson, ValetError } from '../../base/index.ts';
import { dataFingerprint } from '../fingerprint.ts';
import { InfoSchema, openDataset, UnfinishedFolder } from '../lerobot/index.ts';
import { type KeptEpisode, numberTellsTask } from './keptEpisode.ts';
import { requireSameForm } from './setFiles.ts';
import { SharedFiles } from './sharedFiles.ts';
import { type Edited, v21Info, type WriteOptions, writeV21 } from './v21Set.ts';
import { writeV30 } from './v30Set.ts';

export interface WriteSetOptions extends Pick<WriteOptions, 'progress' | 'imageSize' | 'codec' | 'stages'> {
  /** That of the first source when left out. */
  readonly format?: Format | undefined;
  /** Bytes at which v3.0 begins another shared file; LeRobot's when left out. */
  readonly maxBytes?: { readonly data?: number; readonly video?: number };
}

const PLAN = 'edit.json';
type Format = 'v2.1' | 'v3.0';
/** What a new set is made of: with another one the folder must not be gone on with. */
type Plan = { readonly format: Format } & Readonly<Record<string, unknown>>;

/**
 * Writes episodes of data sets as a new one. It grows in `<out>.part`, and takes its name when it is whole; the same
 * call goes on with what a killed one left.
 * @throws InputError when `out` is there, another plan has been begun there, or the sources do not fit together
 */
export async function writeSet(
  wanted: readonly KeptEpisode[],
  out: string,
  { format, maxBytes, progress, imageSize, codec, stages }: WriteSetOptions = {},
): Promise<Edited> {
  const [first] = wanted;
  if (!first) throw new InputError(out, 'no episode is left. A data set needs at least one.');
  const sources = [...new Set(wanted.map(({ source }) => source))];
  requireSameForm(sources);
  for (const { root } of sources)
    if (resolve(root) === resolve(out)) throw new InputError(out, 'is the set itself. Choose another folder.');
  const target = format ?? first.source.format;
  const plain = target === 'v3.0' || !sources.every(numberTellsTask);
  const kept = numbered(wanted, plain);
  const plan: Plan = {
    format: target,
    ...(imageSize !== undefined && { imageSize }),
    ...(codec === 'hevc' && { codec }),
    ...(stages && { stages: stages.digest }),
    sources: await Promise.all(sources.map(({ root, remote }) => dataFingerprint([remote?.address ?? root]))),
    episodes: digest(
      kept.map(({ source, episode, index, taskIndex, from, to }) =>
        [sources.indexOf(source), episode.index, index, taskIndex, from, to].join(),
      ),
    ),
  };
  const lock = await lockFolder(out, 'writing a data set');
  try {
    const part = await begun(out, plan, kept);
    const own = { plain, progress, imageSize, codec, stages };
    const edited = part ? await written(kept, part, target, { ...own, maxBytes }) : unchanged(kept);
    if (part) await rename(join(part, target), out);
    await new UnfinishedFolder(out, PLAN).remove();
    return edited;
  } catch (error) {
    if (!isFull(error)) throw error;
    const advice = `What is done is kept in ${out}.part: free some space, and give the same command again.`;
    throw new ValetError(out, `the disk is full. ${advice}`, 'failure', { cause: error });
  } finally {
    await lock.release();
  }
}

/** Writes the set into `part`, as `v2.1` or `v3.0`. */
async function written(
  kept: readonly KeptEpisode[],
  part: string,
  target: Format,
  { maxBytes, ...own }: WriteOptions & Pick<WriteSetOptions, 'maxBytes'>,
): Promise<Edited> {
  const pieces = join(part, 'v2.1');
  if (target === 'v2.1') return writeV21(kept, pieces, own);
  const out = join(part, 'v3.0');
  const info = v21Info(present(kept[0], 'the first episode').source, own);
  const shared = await SharedFiles.open({ pieces, info, out, journal: join(part, 'done.jsonl'), maxBytes });
  const edited = await writeV21(kept, pieces, { ...own, shared });
  const notes = await writeV30(await openDataset(pieces), out, await shared.finish());
  return { ...edited, notes: [...edited.notes, ...notes] };
}

const framesOf = (kept: readonly KeptEpisode[]) => kept.reduce((sum, { from, to }) => sum + to - from, 0);

const unchanged = (kept: readonly KeptEpisode[]): Edited => ({
  ...{ episodes: kept.length, frames: framesOf(kept), encoded: 0, notes: [] },
});

/**
 * The unfinished folder, if it is of this plan; undefined where the set has its name already and only the clearing up
 * was cut off.
 */
async function begun(out: string, plan: Plan, kept: readonly KeptEpisode[]): Promise<string | undefined> {
  const unfinished = new UnfinishedFolder(out, PLAN);
  const { path: part, isBegun } = unfinished;
  const isSame = isBegun && (await unfinished.difference(plan)) === undefined;
  if (existsSync(out)) {
    const isDone = unfinished.isEmpty || (isSame && !existsSync(join(part, plan.format)));
    if (isDone && (await holds(out, kept))) return undefined;
    throw new InputError(out, 'exists already. Choose another folder or remove it first.');
  }
  if (isBegun && !isSame)
    throw new InputError(part, 'holds an unfinished data set of other episodes. Remove it, or finish that one.');
  if (!isBegun) await unfinished.begin(plan);
  return part;
}

/** Whether a set has as many episodes and frames as are kept. */
async function holds(out: string, kept: readonly KeptEpisode[]): Promise<boolean> {
  const path = join(out, 'meta', 'info.json');
  if (!existsSync(path)) return false;
  const { total_episodes, total_frames } = await readJson(path, InfoSchema);
  return total_episodes === kept.length && total_frames === framesOf(kept);
}

const digest = (lines: readonly string[]) => createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16);

/**
 * Numbers of the new set. Where numbers tell tasks, an episode keeps its own, unless another has it: then it gets the
 * next free one of its task. Elsewhere they run from 0.
 */
function numbered(kept: readonly KeptEpisode[], plain: boolean): KeptEpisode[] {
  if (plain) return kept.map((one, index) => ({ ...one, index }));
  const size = kept[0]?.source.info.chunks_size ?? 1;
  const used = new Set<number>();
  const next = new Map<number, number>();
  const own = kept.map((one) => {
    const fits = Math.floor(one.index / size) === one.taskIndex && !used.has(one.index);
    if (fits) used.add(one.index);
    return fits;
  });
  const renumbered = kept.map((one, i) => {
    if (own[i]) return one;
    let index = next.get(one.taskIndex) ?? one.taskIndex * size;
    while (used.has(index)) index++;
    used.add(index);
    next.set(one.taskIndex, index + 1);
    return { ...one, index };
  });
  return renumbered.sort((a, b) => a.index - b.index);
}
