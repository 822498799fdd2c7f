import { z } from 'zod';
import { InputError, oneLine, parse, readJson, writeFileAside } from '../../base/index.ts';
import type { ChunkStatistics, Correlation, Moments } from './chunkStatistics.ts';

const row = z.array(z.number());
/** Only the outline: matrices are checked while they are copied, which is much faster than by the schema. */
const matrix = z.array(z.array(z.unknown()));
const absent = z.null().optional();

const schema = z.object({
  norm_stats: z.object({
    state: z.object({ mean: row, std: row, q01: row, q99: row }),
    actions: z.object({
      mean: row,
      std: row,
      q01: row,
      q99: row,
      per_timestamp_mean: z.union([matrix, absent]),
      per_timestamp_std: z.union([matrix, absent]),
      per_timestamp_q01: z.union([matrix, absent]),
      per_timestamp_q99: z.union([matrix, absent]),
      action_correlation_cholesky: z.union([matrix, absent]),
      action_correlation_spatial: z.union([matrix, absent]),
      action_correlation_temporal: z.union([matrix, absent]),
    }),
  }),
});

/**
 * Reads the original's `norm_stats.json`. Correlations of constant dimensions, which the original writes as `null`,
 * become 0.
 * @throws InputError when a field is missing or has another shape than the others
 */
export async function readNormStats(path: string): Promise<ChunkStatistics> {
  return statisticsOf(path, await readJson(path, schema));
}

/** The same from the file's text (which may have been unpacked from a `.gz`); `path` is for messages. */
export function parseNormStats(path: string, text: string): ChunkStatistics {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(path, `is not valid JSON (${oneLine((error as Error).message)}).`);
  }
  return statisticsOf(path, parse(path, schema, value));
}

function statisticsOf(path: string, file: z.infer<typeof schema>): ChunkStatistics {
  const { state, actions } = file.norm_stats;
  const width = state.mean.length;
  const horizon = actions.per_timestamp_mean?.length ?? 0;
  if (horizon === 0)
    throw new InputError(path, 'norm_stats.actions has no per_timestamp_mean. Compute it with `valet stats`.');
  const flat = (name: string, value: unknown[][] | null | undefined, rows: number, columns: number, holes = false) => {
    const wrong = (what: string) => new InputError(path, `norm_stats.actions.${name} ${what}.`);
    if (!value) throw wrong('is missing');
    if (value.length !== rows || value.some((r) => r.length !== columns))
      throw wrong(`has the wrong shape (got ${value.length}×${value[0]?.length ?? 0}, expected ${rows}×${columns})`);
    const out = new Float64Array(rows * columns);
    let at = 0;
    for (const r of value)
      for (const x of r) {
        if (typeof x === 'number' && Number.isFinite(x)) out[at++] = x;
        else if (x === null && holes) out[at++] = 0;
        else throw wrong(`holds something that is no number (${JSON.stringify(x)} at ${at})`);
      }
    return out;
  };
  const vector = (name: string, value: number[]) => {
    if (value.length !== width)
      throw new InputError(path, `norm_stats.${name} has the wrong length (got ${value.length}, expected ${width}).`);
    return Float64Array.from(value);
  };
  const moments = (name: string, m: { mean: number[]; std: number[]; q01: number[]; q99: number[] }): Moments =>
    sound(path, name, {
      mean: vector(`${name}.mean`, m.mean),
      std: vector(`${name}.std`, m.std),
      q01: vector(`${name}.q01`, m.q01),
      q99: vector(`${name}.q99`, m.q99),
    });
  const step = (name: 'mean' | 'std' | 'q01' | 'q99') =>
    flat(`per_timestamp_${name}`, actions[`per_timestamp_${name}`], horizon, width);
  const n = horizon * width;
  let correlation: Correlation | undefined;
  if (actions.action_correlation_cholesky) {
    correlation = {
      cholesky: flat('action_correlation_cholesky', actions.action_correlation_cholesky, n, n),
      spatial: flat('action_correlation_spatial', actions.action_correlation_spatial, width, width, true),
      temporal: flat('action_correlation_temporal', actions.action_correlation_temporal, horizon, horizon, true),
    };
    for (let i = 0; i < n; i++)
      if (!(correlation.cholesky[i * n + i]! > 0))
        throw new InputError(
          path,
          `action_correlation_cholesky is no Cholesky factor (diagonal ${i} is not positive).`,
        );
  }
  return {
    horizon,
    width,
    state: moments('state', state),
    actions: moments('actions', actions),
    perTimestep: sound(path, 'actions.per_timestamp', {
      ...{ mean: step('mean'), std: step('std'), q01: step('q01'), q99: step('q99') },
    }),
    correlation,
  };
}

/** @throws InputError for what no statistics can be: a negative deviation, a low quantile above the high one */
function sound(path: string, name: string, moments: Moments): Moments {
  const { std, q01, q99 } = moments;
  const negative = std.findIndex((x) => x < 0);
  if (negative >= 0)
    throw new InputError(
      path,
      `norm_stats.${name}: std is negative (got ${std[negative]} at ${negative}). Are mean and std swapped?`,
    );
  const swapped = q01.findIndex((low, i) => low > (q99[i] ?? low));
  if (swapped >= 0)
    throw new InputError(
      path,
      `norm_stats.${name}: q01 lies above q99 (got ${q01[swapped]} and ${q99[swapped]} at ${swapped}). ` +
        'Are they swapped?',
    );
  return moments;
}

/** Writes statistics in the original's form (18 MB with the correlation). */
export async function writeNormStats(path: string, stats: ChunkStatistics): Promise<void> {
  await writeFileAside(path, normStatsText(stats));
}

/** What `writeNormStats` writes: the same text for the same numbers. */
export function normStatsText(stats: ChunkStatistics): string {
  const { horizon, width, state, actions, perTimestep: step, correlation } = stats;
  const n = horizon * width;
  const rows = (values: Float64Array | undefined, columns: number) =>
    values &&
    Array.from({ length: values.length / columns }, (_, i) =>
      Array.from(values.subarray(i * columns, (i + 1) * columns)),
    );
  const moments = (m: Moments) => ({
    mean: Array.from(m.mean),
    std: Array.from(m.std),
    q01: Array.from(m.q01),
    q99: Array.from(m.q99),
  });
  const none = {
    per_timestamp_mean: null,
    per_timestamp_std: null,
    per_timestamp_q01: null,
    per_timestamp_q99: null,
    action_correlation_cholesky: null,
    action_correlation_spatial: null,
    action_correlation_temporal: null,
  };
  const file = {
    norm_stats: {
      state: { ...moments(state), ...none },
      actions: {
        ...moments(actions),
        per_timestamp_mean: rows(step.mean, width),
        per_timestamp_std: rows(step.std, width),
        per_timestamp_q01: rows(step.q01, width),
        per_timestamp_q99: rows(step.q99, width),
        action_correlation_cholesky: rows(correlation?.cholesky, n) ?? null,
        action_correlation_spatial: rows(correlation?.spatial, width) ?? null,
        action_correlation_temporal: rows(correlation?.temporal, horizon) ?? null,
      },
    },
  };
  return `${JSON.stringify(file)}\n`;
}
