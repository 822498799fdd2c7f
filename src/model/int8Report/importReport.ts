import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { aside, machineMemory, Progress } from '../../base/index.ts';
import { readCheckpoint } from '../checkpoint.ts';
import { importCheckpoint } from '../formats/index.ts';
import type { MatrixError } from '../int8/index.ts';
import { inferenceMemory, PROCESS_BYTES } from '../memory.ts';
import { type PlanDifference, planError, runReport, syntheticInputs } from './planReport.ts';
import { recordedInputs } from './reportObservations.ts';

export interface Int8Cost {
  readonly matrices: number;
  /** Root mean square rounding error over that of the matrix: mean and worst. */
  readonly mean: number;
  readonly worst: { readonly key: string; readonly relative: number };
  /** What plans cost; null with the reason when it was not measured. */
  readonly plans: PlanDifference | null;
  readonly notMeasured?: string;
  /** The data set whose frames were planned on, or `synthetic`. */
  readonly observationsFrom?: string;
}

/**
 * What int8 costs: rounding per matrix, and plans of the float32 network beside those of the int8 one, when the float32
 * one fits.
 */
export async function int8Cost(
  source: string,
  out: string,
  errors: readonly MatrixError[],
  options: {
    observations: number;
    from?: string;
    threads: number;
    quiet: boolean;
    import: Parameters<typeof importCheckpoint>[2];
    signal: AbortSignal;
  },
): Promise<Int8Cost> {
  const worst = errors.reduce((a, b) => (b.relative > a.relative ? b : a));
  const rounding = {
    matrices: errors.length,
    mean: errors.reduce((sum, { relative }) => sum + relative, 0) / errors.length,
    worst: { key: worst.key, relative: worst.relative },
  };
  const skip = (notMeasured: string): Int8Cost => ({ ...rounding, plans: null, notMeasured });
  if (options.observations === 0) return skip('no observations were asked for');
  const coarse = await readCheckpoint(out, options.import).catch((error: Error) => error);
  if (coarse instanceof Error) return skip(`the checkpoint has no statistics that plans could be made with`);
  const needed = inferenceMemory(coarse.config, 1).total + PROCESS_BYTES;
  const { usable } = machineMemory();
  if (needed > usable)
    return skip(`the float32 network needs ${gigabytes(needed)} beside it, ${gigabytes(usable)} are free`);

  const folder = aside(out); // by its name the next import finds and removes what a killed one left
  await mkdir(folder);
  const progress = new Progress('comparing', 2 * options.observations, { unit: 'plans', silent: options.quiet });
  const compare = async (): Promise<Int8Cost> => {
    await importCheckpoint(source, join(folder, 'float32'), {
      ...options.import,
      dtype: 'float32',
      signal: options.signal,
    });
    const exact = await readCheckpoint(join(folder, 'float32'), options.import);
    const inputs = options.from
      ? await recordedInputs(coarse, options.from, options.observations, 0)
      : syntheticInputs(coarse, options.observations, 0);
    const { threads } = options;
    const a = await runReport(exact, inputs, { threads, done: (n) => progress.at(n) });
    const b = await runReport(coarse, inputs, { threads, done: (n) => progress.at(options.observations + n) });
    return { ...rounding, plans: planError(coarse, a, b), observationsFrom: options.from ?? 'synthetic' };
  };
  const stopped = new Promise<never>((_, reject) => {
    options.signal.addEventListener('abort', () => reject(options.signal.reason), { once: true });
  });
  try {
    return await Promise.race([compare(), stopped]);
  } finally {
    progress.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The cost as lines for people. */
export function int8Lines({ matrices, mean, worst, plans, notMeasured, observationsFrom }: Int8Cost): string[] {
  const percent = (x: number): string => `${(100 * x).toFixed(2)} %`;
  const head =
    `int8: ${matrices} matrices, rounding ${percent(mean)} of each on average, worst ` +
    `${percent(worst.relative)} (${worst.key})`;
  if (!plans) return [head, `  plans were not compared: ${notMeasured}`];
  const { layers, normalised, parts, sameStage, observations } = plans;
  return [
    head,
    `  against float32 on ${observations} observations (${observationsFrom}):`,
    `  keys and values by layer: ${layers.map(percent).join(' · ')}`,
    `  normalised actions (1 is their standard deviation): mean ${normalised.mean.toFixed(4)}, largest ` +
      `${normalised.max.toFixed(4)}`,
    ...parts.map(
      ({ part, unit, mean: m, max }) =>
        `    ${part.padEnd(13)} mean ${m.toExponential(1)}, largest ${max.toExponential(1)} ${unit}`,
    ),
    `  the same stage in ${percent(sameStage)}`,
  ];
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
