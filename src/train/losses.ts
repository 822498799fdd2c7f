/** Losses by name (`loss`, `loss/action`, …) before the update. */
export type Losses = Record<string, number>;

/** The mean of each loss. */
export function average(all: readonly Losses[]): Losses {
  const sums: Losses = {};
  for (const losses of all) for (const [name, value] of Object.entries(losses)) sums[name] = (sums[name] ?? 0) + value;
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / all.length]));
}
