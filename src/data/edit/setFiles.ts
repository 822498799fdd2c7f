import { existsSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError, makeFolder } from '../../base/index.ts';
import type { Dataset, Info } from '../lerobot/index.ts';

/** Files of an index that say how many and which episodes there are: written anew. */
const INDEX = ['info.json', 'tasks.jsonl', 'tasks.parquet', 'episodes.jsonl', 'episodes_stats.jsonl', 'stats.json'];

/** Folders that hold a file for each episode, as info.json names them: below the set, or below its `meta`. */
const perEpisode = ({ data_path, video_path, metainfo_path, annotation_path }: Info): Set<string> =>
  new Set(
    [data_path, video_path, metainfo_path, annotation_path].flatMap((template) => {
      const [first = '', second = ''] = template?.split('/') ?? [];
      return first === 'meta' ? [`meta/${second}`] : [first];
    }),
  );

/**
 * Copies what a set holds beside its episodes and their index: a README, a licence, meta/robot.json.
 * @returns folders of the set that are left behind, since nothing tells what of them belongs to which episode
 */
export async function copyOtherFiles({ root, info }: Dataset, out: string): Promise<string[]> {
  const known = perEpisode(info);
  const left: string[] = [];
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (entry.name === 'meta' || known.has(entry.name)) continue;
    if (entry.isFile()) await cp(join(root, entry.name), join(out, entry.name));
    else if (!entry.name.startsWith('.')) left.push(entry.name);
  }
  for (const entry of await readdir(join(root, 'meta'), { withFileTypes: true })) {
    if (INDEX.includes(entry.name)) continue;
    if (entry.isFile()) await cp(join(root, 'meta', entry.name), join(out, 'meta', entry.name));
    else if (entry.name !== 'episodes' && !known.has(`meta/${entry.name}`)) left.push(`meta/${entry.name}`);
  }
  return left;
}

/** Copies a file that need not be there. */
export async function copyIfThere(from: string | undefined, to: string | undefined): Promise<void> {
  if (from === undefined || to === undefined || !existsSync(from)) return;
  await makeFolder(dirname(to));
  await cp(from, to);
}

/** @throws InputError when sets are too different to be one: rate, or the form of a column or picture */
export function requireSameForm([first, ...others]: readonly Dataset[]): void {
  if (!first) return;
  const forms = (set: Dataset) =>
    new Map(
      Object.entries(set.info.features).map(([name, { dtype, shape }]) => [name, `${dtype} [${shape.join(', ')}]`]),
    );
  const wanted = forms(first);
  for (const other of others) {
    if (other.fps !== first.fps)
      throw new InputError(other.root, `has ${other.fps} frames a second (expected ${first.fps} as ${first.root}).`);
    const [every, otherEvery] = [first, other].map(({ info }) => info.pictures_every ?? 1);
    if (every !== otherEvery)
      throw new InputError(
        other.root,
        `has new pictures in every ${otherEvery}th row (expected ${every} as in ${first.root}). Train on both as two ` +
          'sets.',
      );
    const got = forms(other);
    for (const name of new Set([...wanted.keys(), ...got.keys()]))
      if (name !== 'frame_index' && wanted.get(name) !== got.get(name))
        throw new InputError(
          other.root,
          `its ${name} is ${got.get(name) ?? 'not there'} (expected ${wanted.get(name) ?? 'none'} as in ` +
            `${first.root}). Sets of one form can be merged.`,
        );
  }
}
