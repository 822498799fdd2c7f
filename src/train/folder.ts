import { lstat, readdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isUnwritable, jsonText, makeFolder, readJson, writeFileAside } from '../base/index.ts';
import { RobotRecordSchema } from '../robot/index.ts';
import { SELECTED } from './bestRule.ts';
import { appendWhole, type WhenFull } from './fullDisk.ts';
import type { KeptCheckpoint } from './retention.ts';

/** What a run is: all that its checkpoints' bytes follow from. */
export const RunRecord = z.object({
  config: z.unknown(),
  robot: RobotRecordSchema,
  seed: z.number(),
  steps: z.number(),
  data: z.array(z.string()),
  /** Changes when any sample of the data may have changed. */
  dataFingerprint: z.string(),
  /** Of each rank. */
  threads: z.number(),
  /** Processes that train together; 1 when left out. */
  ranks: z.number().optional(),
  init: z.string().nullable(),
  /** Of the checkpoint's content. */
  initDigest: z.string().nullable().optional(),
  versions: z.record(z.string(), z.string()),
  /** The rollouts beside it, and the measure of its best checkpoint. */
  rollouts: z
    .object({
      every: z.int().positive(),
      tasks: z.array(z.string()).min(1),
      episodes: z.int().positive(),
      seed: z.string(),
      maxSteps: z.int().positive().optional(),
    })
    .optional(),
  best: z.string().optional(),
  /** Samples far outside the statistics are left out. */
  skipFar: z.boolean().optional(),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** Files with a line for some of the updates. */
const STEP_FILES = ['metrics.jsonl', 'validation.jsonl', 'rollouts.jsonl', 'skipped.jsonl'] as const;
/** Samples of the data that are never trained on. */
const LEFT_OUT = 'left-out.jsonl';

/** Metrics as they were before a run went on from an earlier step. */
const BEFORE = 'metrics.before.jsonl';

type Card = Readonly<Record<string, unknown>>;

/**
 * The training folder (docs/contract.md#training-folder): `run.json`, `metrics.jsonl`, `validation.jsonl`,
 * `checkpoints/<step>/`, `checkpoints/latest`, `checkpoints/best`.
 */
export class RunFolder {
  readonly checkpoints: string;
  /** Text that a full disk did not take yet, by file. */
  private readonly waiting = new Map<string, string>();
  private turn: Promise<void> = Promise.resolve();

  constructor(
    readonly path: string,
    private readonly whenFull: WhenFull = 'stop',
  ) {
    this.checkpoints = join(path, 'checkpoints');
  }

  /** What the folder's run was started with; null when there is none. */
  async record(): Promise<RunRecord | null> {
    const path = join(this.path, 'run.json');
    const there = await readFile(path).then(
      () => true,
      () => false,
    );
    return there ? readJson(path, RunRecord) : null;
  }

  /** Makes the folder this run's, and removes what a killed process left half written. */
  async begin(record: RunRecord): Promise<void> {
    await makeFolder(this.checkpoints);
    for (const name of await readdir(this.checkpoints))
      if (name.startsWith('.') && name.endsWith('.tmp')) await rm(join(this.checkpoints, name), { recursive: true });
    await writeFileAside(join(this.path, 'run.json'), `${JSON.stringify(record, null, 1)}\n`);
  }

  /** Whether there are checkpoints, of whatever run. */
  async hasCheckpoints(): Promise<boolean> {
    const names = await readdir(this.checkpoints).catch((): string[] => []);
    return names.some((name) => /^\d+$/.test(name) || name === 'latest');
  }

  checkpoint(step: number): string {
    return join(this.checkpoints, stepName(step));
  }

  /** Points `latest` at the checkpoint of `step`, atomically. */
  async publish(step: number): Promise<void> {
    await this.point('latest', step);
    await rm(join(this.path, BEFORE), { force: true });
  }

  /**
   * Points `best` at the checkpoint of `step`, atomically, and writes into its card how it was chosen, which every
   * result that is made with it then says. The card of the one before says it no more.
   */
  async markBest(step: number, selection: string): Promise<void> {
    const best = this.checkpoint(step);
    await this.editCard(best, (card) => ({ ...card, selection }));
    await this.point('best', step);
    for (const other of await this.checkpointTimes())
      if (other.step !== step)
        await this.editCard(this.checkpoint(other.step), ({ selection: old, ...card }) =>
          typeof old === 'string' && !old.startsWith(SELECTED) ? { ...card, selection: old } : card,
        );
  }

  private async editCard(checkpoint: string, edit: (card: Card) => Card): Promise<void> {
    const path = join(checkpoint, 'card.json');
    // A checkpoint that something befell is left as it is.
    const card = await readJson(path, z.record(z.string(), z.unknown())).catch(() => undefined);
    const text = card && jsonText(edit(card));
    if (text !== undefined && text !== jsonText(card)) await writeFileAside(path, text);
  }

  /** The checkpoints that there are, and when each was written. */
  async checkpointTimes(): Promise<KeptCheckpoint[]> {
    const names = (await readdir(this.checkpoints)).filter((name) => /^\d+$/.test(name));
    const times = names.map(async (name) => ({
      step: Number(name),
      // The card may be written again; the configuration is not.
      time: (await stat(join(this.checkpoints, name, 'config.json')).catch(() => ({ mtimeMs: 0 }))).mtimeMs,
    }));
    return (await Promise.all(times)).sort((a, b) => a.step - b.step);
  }

  /** The best checkpoint's folder; undefined where none is marked. */
  async best(): Promise<string | undefined> {
    const name = await readlink(join(this.checkpoints, 'best')).catch(() => undefined);
    return name === undefined ? undefined : join(this.checkpoints, name);
  }

  async remove(steps: readonly number[]): Promise<void> {
    for (const step of steps) await rm(this.checkpoint(step), { recursive: true, force: true });
  }

  private async point(name: 'latest' | 'best', step: number): Promise<void> {
    const link = join(this.checkpoints, name);
    const aside = join(this.checkpoints, `.${name}.${process.pid}.tmp`);
    await rm(aside, { force: true });
    await symlink(stepName(step), aside);
    // Where copying made a folder of it, that keeps its files under another name.
    const found = await lstat(link).catch(() => undefined);
    const copied = name === 'latest' ? `copied-before-${step}` : `copied-best-before-${step}`;
    if (found?.isDirectory()) await rename(link, join(this.checkpoints, copied));
    await rename(aside, link);
  }

  async append(file: (typeof STEP_FILES)[number], line: object): Promise<void> {
    await this.appendAll(file, [line]);
  }

  /** Lines that belong together, in one write. */
  async appendAll(file: (typeof STEP_FILES)[number], lines: readonly object[]): Promise<void> {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    this.waiting.set(file, (this.waiting.get(file) ?? '') + text);
    await this.flush().catch((error: unknown) => {
      if (this.whenFull === 'stop' || !isUnwritable(error)) throw error;
    });
  }

  /** Writes the lines that a full disk did not take. @throws when it still does not */
  flush(): Promise<void> {
    const done = this.turn.then(() => this.writeWaiting());
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async writeWaiting(): Promise<void> {
    for (const [file, text] of this.waiting) {
      await appendWhole(join(this.path, file), text);
      // What came meanwhile stays.
      const now = (this.waiting.get(file) ?? '').slice(text.length);
      if (now === '') this.waiting.delete(file);
      else this.waiting.set(file, now);
    }
  }

  /** The whole lines of a file; none where there is no file. */
  async lines(file: (typeof STEP_FILES)[number]): Promise<Record<string, unknown>[]> {
    const written = await readFile(join(this.path, file), 'utf8').catch(() => '');
    return (written + (this.waiting.get(file) ?? ''))
      .split('\n')
      .filter((line) => line !== '' && Number.isFinite(stepOf(line)))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Names the samples that are never trained on; no file where there are none. */
  async writeLeftOut(samples: readonly object[]): Promise<void> {
    const path = join(this.path, LEFT_OUT);
    if (samples.length === 0) await rm(path, { force: true });
    else await writeFileAside(path, samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
  }

  /** How many updates before `step` were left out. */
  async skippedUpdates(step: number): Promise<number> {
    const text = await readFile(join(this.path, 'skipped.jsonl'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '' && stepOf(line) <= step).length;
  }

  /**
   * Removes the lines after `step`, which a resumed run writes again. Until its first checkpoint is on disk, they
   * stand as they were in `metrics.before.jsonl`.
   */
  async rewind(step: number): Promise<void> {
    for (const file of STEP_FILES) {
      const path = join(this.path, file);
      const text = await readFile(path, 'utf8').catch(() => '');
      const lines = text.split('\n').filter(Boolean);
      const kept = lines.filter((line) => stepOf(line) <= step);
      if (kept.length === lines.length) continue;
      if (file === 'metrics.jsonl') await writeFileAside(join(this.path, BEFORE), text);
      await writeFileAside(path, kept.map((line) => `${line}\n`).join(''));
    }
  }
}

/** How files of a step are called: six digits, so that names sort as steps do. */
export const stepName = (step: number): string => String(step).padStart(6, '0');

/** The step of a line of metrics. */
export function stepOf(line: string): number {
  try {
    return Number((JSON.parse(line) as { step: number }).step);
  } catch {
    return Number.POSITIVE_INFINITY; // a line that a crash cut short
  }
}
