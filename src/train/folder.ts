import { appendFile, lstat, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, readJson, writeFileAside } from '../base/index.ts';
import { RobotRecordSchema } from '../robot/index.ts';

/** What a run is: all that its checkpoints' bytes follow from. */
export const RunRecord = z.object({
  config: z.unknown(),
  robot: RobotRecordSchema,
  seed: z.number(),
  steps: z.number(),
  data: z.array(z.string()),
  /** Changes when any sample of the data may have changed. */
  dataFingerprint: z.string(),
  threads: z.number(),
  init: z.string().nullable(),
  /** Of the checkpoint's content. */
  initDigest: z.string().nullable().optional(),
  versions: z.record(z.string(), z.string()),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** Files with a line for some of the updates. */
const STEP_FILES = ['metrics.jsonl', 'validation.jsonl', 'skipped.jsonl'] as const;
/** Samples of the data that are never trained on. */
const LEFT_OUT = 'left-out.jsonl';

/** Metrics as they were before a run went on from an earlier step. */
const BEFORE = 'metrics.before.jsonl';

/**
 * The training folder (docs/contract.md#training-folder): `run.json`, `metrics.jsonl`, `validation.jsonl`,
 * `checkpoints/<step>/`, `checkpoints/latest`.
 */
export class RunFolder {
  readonly checkpoints: string;

  constructor(readonly path: string) {
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
    return join(this.checkpoints, String(step).padStart(6, '0'));
  }

  /** Points `latest` at the checkpoint of `step` (atomically) and removes all but the newest `keep`. */
  async publish(step: number, keep: number): Promise<void> {
    const link = join(this.checkpoints, 'latest');
    const aside = join(this.checkpoints, `.latest.${process.pid}.tmp`);
    await rm(aside, { force: true });
    await symlink(String(step).padStart(6, '0'), aside);
    await this.keepCopied(link, step);
    await rename(aside, link);
    await rm(join(this.path, BEFORE), { force: true });
    const steps = (await readdir(this.checkpoints)).filter((name) => /^\d+$/.test(name) && Number(name) <= step);
    steps.sort((a, b) => Number(a) - Number(b));
    for (const name of steps.slice(0, -keep)) await rm(join(this.checkpoints, name), { recursive: true, force: true });
  }

  /** Where copying made a folder of `latest`, it keeps its files under another name. */
  private async keepCopied(link: string, step: number): Promise<void> {
    const found = await lstat(link).catch(() => undefined);
    if (found?.isDirectory()) await rename(link, join(this.checkpoints, `copied-before-${step}`));
  }

  async append(file: (typeof STEP_FILES)[number], line: object): Promise<void> {
    await appendFile(join(this.path, file), `${JSON.stringify(line)}\n`);
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

/** The step of a line of metrics. */
export function stepOf(line: string): number {
  try {
    return Number((JSON.parse(line) as { step: number }).step);
  } catch {
    return Number.POSITIVE_INFINITY; // a line that a crash cut short
  }
}
