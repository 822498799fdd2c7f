import { mean as average, type Interval, scoreInterval, wilson } from './intervals.ts';

/** The score of one instance played with one seed. */
export interface SeededScore {
  readonly instance: number;
  /** The seed's place in the list. */
  readonly rollout: number;
  readonly q: number;
}

/**
 * The mean of scores in [0, 1] with its 95 % interval, for other instances and other seeds alike. With one seed it is
 * `scoreInterval`.
 *
 * With several, every instance was played with every seed, and both are drawn from many: the variance of the mean is
 * that of the two-way random model (Searle, Casella & McCulloch 1992, ch. 4), estimated from the mean squares of
 * instances, seeds and what is left, with Satterthwaite's degrees of freedom. The bounds are Wilson's for the number of
 * independent episodes that would vary as much, so they stay within [0, 1] and are uneven near its ends.
 */
export function seededInterval(scores: readonly SeededScore[], seed: string): Interval {
  const rollouts = [...new Set(scores.map(({ rollout }) => rollout))];
  if (rollouts.length < 2)
    return scoreInterval(
      scores.map(({ q }) => q),
      seed,
    );
  const mean = average(scores.map(({ q }) => q));
  const table = complete(scores, rollouts);
  if (table.length < 2) return { ...wilson(mean, table.length || 1), mean };
  const { variance, freedom } = varianceOfMean(table);
  const alike = variance <= 1e-12;
  const spread = mean * (1 - mean);
  // Scores that are all alike say no more than that the instances were.
  const count = alike || spread === 0 ? table.length : spread / variance;
  const { low, high } = wilson(mean, count, studentQuantile(alike ? table.length - 1 : freedom));
  return { mean, low, high };
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

/** Of the mean of a table [instances, seeds] over new instances and new seeds. */
export function varianceOfMean(table: readonly (readonly number[])[]): { variance: number; freedom: number } {
  const [rows, columns] = [table.length, table[0]?.length ?? 0];
  const mean = average(table.flat());
  const rowMeans = table.map(average);
  const columnMeans = Array.from({ length: columns }, (_, j) => average(table.map((row) => row[j] as number)));
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const ofRows = (columns * squares(rowMeans)) / (rows - 1);
  const ofColumns = (rows * squares(columnMeans)) / (columns - 1);
  const all = squares(table.flat());
  const rest = (rows - 1) * (columns - 1);
  const left = Math.max(0, all - ofRows * (rows - 1) - ofColumns * (columns - 1)) / rest;
  const cells = rows * columns;
  if (ofColumns <= left) return { variance: ofRows / cells, freedom: rows - 1 };
  const sum = ofRows + ofColumns - left;
  const freedom = sum ** 2 / (ofRows ** 2 / (rows - 1) + ofColumns ** 2 / (columns - 1) + left ** 2 / rest);
  return { variance: sum / cells, freedom: Math.max(1, freedom) };
}

/** The two-sided 95 % quantile of Student's t: Cornish and Fisher's expansion, within 1 % of the tables. */
export function studentQuantile(freedom: number): number {
  const z = 1.959963984540054;
  const d = Math.max(freedom, 1);
  if (d < 3) return d < 2 ? 12.71 + (d - 1) * (4.303 - 12.71) : 4.303 + (d - 2) * (3.182 - 4.303);
  return (
    z +
    (z ** 3 + z) / (4 * d) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * d ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * d ** 3)
  );
}
