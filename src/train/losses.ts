/** Losses by name (`loss`, `loss/action`, …) before the update. */
export type Losses = Record<string, number>;

/** The mean of each loss. @param weights how much each of them counts; all the same when left out */
export function average(all: readonly Losses[], weights: readonly number[] = all.map(() => 1)): Losses {
  const sums: Losses = {};
  for (const [i, losses] of all.entries())
    for (const [name, value] of Object.entries(losses)) sums[name] = (sums[name] ?? 0) + value * (weights[i] ?? 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / total]));
}
