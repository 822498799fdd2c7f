import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, readJson } from '../../base/index.ts';
import { RunFolder, RunRecord } from '../../train/index.ts';

/** A number of a run over its updates. */
export interface Curve {
  /** Updates that were made. */
  readonly x: number[];
  readonly y: number[];
}

/** What is drawn of a training folder. */
export interface RunCurves {
  readonly folder: string;
  readonly steps: number;
  /** Updates that are logged. */
  readonly done: number;
  /** Of `metrics.jsonl`, `validation.jsonl` and `rollouts.jsonl`: curves by path, such as `tasks/NAME/action`. */
  readonly training: ReadonlyMap<string, Curve>;
  readonly validation: ReadonlyMap<string, Curve>;
  readonly rollouts: ReadonlyMap<string, Curve>;
  /** Everything that decides the run, by path. */
  readonly settings: ReadonlyMap<string, string>;
}

const Look = z.looseObject({ step: z.number(), task: z.string(), q: z.number(), success: z.number() });

/** Whether a folder's run.json is a training's; an evaluation has one too. */
export async function isTrainingFolder(folder: string): Promise<boolean> {
  const path = join(folder, 'run.json');
  if (!existsSync(path)) return false;
  return 'dataFingerprint' in (await readJson(path, z.looseObject({})));
}

/** @throws InputError when the folder holds no training, or one that has not logged an update yet */
export async function readRun(folder: string): Promise<RunCurves> {
  const run = new RunFolder(folder);
  const record = await readJson(join(folder, 'run.json'), RunRecord);
  const training = curves(await run.lines('metrics.jsonl'), ['time']);
  const updates = training.get('loss')?.x ?? [];
  if (updates.length === 0)
    throw new InputError(folder, 'has not logged an update yet (metrics.jsonl). Look again when it has trained.');
  const looks = (await run.lines('rollouts.jsonl')).flatMap((line) => {
    const look = Look.safeParse(line);
    return look.success ? [look.data] : []; // a look that came to nothing has no score
  });
  const { config, data, seed, threads, init, versions } = record;
  return {
    folder,
    steps: record.steps,
    done: Math.max(...updates),
    training,
    validation: curves(await run.lines('validation.jsonl'), ['time']),
    rollouts: curves(looks.map(({ step, task, q, success }) => ({ step, [task]: { q, success } }))),
    settings: new Map(flat({ ...(config as object), data: data.join(' '), seed, threads, init, versions })),
  };
}

/** Every number of the lines by its path; lists are left out. */
function curves(
  all: readonly Readonly<Record<string, unknown>>[],
  leftOut: readonly string[] = [],
): Map<string, Curve> {
  const found = new Map<string, Curve>();
  for (const { step, ...line } of all)
    for (const [path, value] of numbers(line)) {
      if (leftOut.includes(path)) continue;
      const curve = found.get(path) ?? { x: [], y: [] };
      found.set(path, curve);
      curve.x.push(Number(step));
      curve.y.push(value);
    }
  return found;
}

function numbers(value: unknown, path = ''): [string, number][] {
  if (typeof value === 'number') return Number.isFinite(value) ? [[path, value]] : [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, below]) => numbers(below, path === '' ? key : `${path}/${key}`));
}

function flat(value: unknown, path = ''): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, typeof value === 'string' ? value : JSON.stringify(value ?? null)]];
  return Object.entries(value).flatMap(([key, below]) => flat(below, path === '' ? key : `${path}.${key}`));
}
