import { mean as average, type Interval, wilson } from './intervals.ts';
import { studentQuantile } from './studentQuantile.ts';

/** The score of one instance played with one seed. */
export interface SeededScore {
  readonly instance: number;
  /** The seed's place in the list. */
  readonly rollout: number;
  readonly q: number;
}

/** A mean of scores in [0, 1], and what its interval rests on. */
export interface MeanEstimate {
  readonly mean: number;
  /** So many independent episodes that succeed or fail would vary as much. */
  readonly count: number;
  /** Degrees of freedom of the variance; infinite where none was estimated. */
  readonly freedom: number;
}

/**
 * The mean of scores in [0, 1], for other instances and other seeds alike.
 *
 * With one seed its variance is that of the scores over their number. With several, every instance was played with
 * every seed, and both are drawn from many: the variance is that of the two-way random model (Searle, Casella &
 * McCulloch 1992, ch. 4), estimated from the mean squares of instances, seeds and what is left, with Satterthwaite's
 * degrees of freedom. Scores that are all alike say no more than that the instances were.
 */
export function estimateMean(scores: readonly SeededScore[]): MeanEstimate {
  const mean = average(scores.map(({ q }) => q));
  const rollouts = [...new Set(scores.map(({ rollout }) => rollout))];
  const table = complete(scores, rollouts);
  const spread = mean * (1 - mean);
  const { variance, freedom } = table.length < 2 ? { variance: 0, freedom: 0 } : varianceOfMean(table);
  if (variance <= 1e-12 || spread <= 0)
    return { mean, count: Math.min(scores.length, Math.max(1, table.length)), freedom: Infinity };
  const count = spread / variance;
  // A score never varies more than a coin of the same mean: scores of one seed count for as many as they are.
  return { mean, count: rollouts.length === 1 ? Math.max(count, scores.length) : count, freedom };
}

/**
 * The 95 % interval of a mean: Wilson's bounds for the episodes that would vary as much, with Student's quantile. They
 * stay within [0, 1] and are uneven near its ends.
 */
export function intervalOf({ mean, count, freedom }: MeanEstimate): Interval {
  return wilson(mean, count, studentQuantile(freedom));
}

/**
 * The mean of independent means (of the tasks) with its 95 % interval: squared distances of the tasks' bounds from
 * their means add up (MOVER: Zou & Donner 2008, Statistics in Medicine 27). The bounds are those of the quantile for
 * the sum's own degrees of freedom (Welch and Satterthwaite): many tasks of few episodes are known better than each.
 */
export function combinedInterval(parts: readonly MeanEstimate[]): Interval {
  if (parts.length === 0) return { mean: Number.NaN, low: 0, high: 1 };
  const variances = parts.map(({ mean, count }) => (mean * (1 - mean)) / count);
  const sum = variances.reduce((total, variance) => total + variance, 0);
  const squares = variances.reduce(
    (total, variance, i) => total + variance ** 2 / (parts[i] as MeanEstimate).freedom,
    0,
  );
  const freedom = squares > 0 ? sum ** 2 / squares : Infinity;
  const intervals = parts.map((part) => intervalOf({ ...part, freedom }));
  const mean = average(intervals.map((part) => part.mean));
  const below = Math.hypot(...intervals.map((part) => part.mean - part.low)) / parts.length;
  const above = Math.hypot(...intervals.map((part) => part.high - part.mean)) / parts.length;
  return { mean, low: Math.max(0, mean - below), high: Math.min(1, mean + above) };
}

/** Rows of the instances that have a score for each rollout. */
function complete(scores: readonly SeededScore[], rollouts: readonly number[]): number[][] {
  const byInstance = new Map<number, Map<number, number>>();
  for (const { instance, rollout, q } of scores) {
    const row = byInstance.get(instance) ?? new Map<number, number>();
    byInstance.set(instance, row.set(rollout, q));
  }
  return [...byInstance.values()]
    .map((row) => rollouts.map((rollout) => row.get(rollout)))
    .filter((row): row is number[] => row.every((q) => q !== undefined));
}

/** Of the mean of a table [instances, seeds] over new instances and, when it has several, new seeds. */
export function varianceOfMean(table: readonly (readonly number[])[]): { variance: number; freedom: number } {
  const [rows, columns] = [table.length, table[0]?.length ?? 0];
  const mean = average(table.flat());
  const rowMeans = table.map(average);
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const ofRows = (columns * squares(rowMeans)) / (rows - 1);
  const cells = rows * columns;
  if (columns === 1) return { variance: ofRows / cells, freedom: rows - 1 };
  const columnMeans = Array.from({ length: columns }, (_, j) => average(table.map((row) => row[j] as number)));
  const ofColumns = (rows * squares(columnMeans)) / (columns - 1);
  const all = squares(table.flat());
  const rest = (rows - 1) * (columns - 1);
  const left = Math.max(0, all - ofRows * (rows - 1) - ofColumns * (columns - 1)) / rest;
  if (ofColumns <= left) return { variance: ofRows / cells, freedom: rows - 1 };
  const sum = ofRows + ofColumns - left;
  const freedom = sum ** 2 / (ofRows ** 2 / (rows - 1) + ofColumns ** 2 / (columns - 1) + left ** 2 / rest);
  return { variance: sum / cells, freedom: Math.max(1, freedom) };
}
