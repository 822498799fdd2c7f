import { appendFile, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, makeFolder, readJson, writeFileAside } from '../base/index.ts';
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
  versions: z.record(z.string(), z.string()),
});
export type RunRecord = z.infer<typeof RunRecord>;

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

  /** The newest checkpoint's folder, or null. */
  async latest(): Promise<string | null> {
    const link = join(this.checkpoints, 'latest');
    const name = await readlink(link).catch(() => null);
    return name && join(this.checkpoints, name);
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
    await rename(aside, link);
    const steps = (await readdir(this.checkpoints)).filter((name) => /^\d+$/.test(name) && Number(name) <= step);
    steps.sort((a, b) => Number(a) - Number(b));
    for (const name of steps.slice(0, -keep)) await rm(join(this.checkpoints, name), { recursive: true, force: true });
  }

  async append(file: 'metrics.jsonl' | 'validation.jsonl', line: object): Promise<void> {
    await appendFile(join(this.path, file), `${JSON.stringify(line)}\n`);
  }

  /** Removes the lines after `step`, which a resumed run writes again. */
  async rewind(step: number): Promise<void> {
    for (const file of ['metrics.jsonl', 'validation.jsonl']) {
      const path = join(this.path, file);
      const text = await readFile(path, 'utf8').catch(() => '');
      const kept = text.split('\n').filter((line) => line && stepOf(line) <= step);
      if (text) await writeFile(path, kept.map((line) => `${line}\n`).join(''));
    }
  }
}

function stepOf(line: string): number {
  try {
    return Number((JSON.parse(line) as { step: number }).step);
  } catch {
    return Number.POSITIVE_INFINITY; // a line that a crash cut short
  }
}

/**
 * @throws InputError naming the first field in which a resumed run differs from the one that the folder holds; only
 * the number of steps may
 */
export function requireSameRun(folder: string, was: RunRecord, now: RunRecord): void {
  const compare = (a: unknown, b: unknown, path: string): void => {
    if (path === 'config.steps') return;
    if (typeof a === 'object' && a && typeof b === 'object' && b) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        compare(
          (a as Record<string, unknown>)[key],
          (b as Record<string, unknown>)[key],
          path ? `${path}.${key}` : key,
        );
    } else if (a !== b)
      throw new InputError(
        folder,
        `the run there has another ${path} (got ${JSON.stringify(b)}, the run has ${JSON.stringify(a)}). Resume ` +
          'with the same options, or train into another folder.',
      );
  };
  for (const key of ['config', 'seed', 'data', 'dataFingerprint', 'init'] as const) compare(was[key], now[key], key);
}
