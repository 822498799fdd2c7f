/** How two judges agree on whether something holds. */
export interface Agreement {
  /** Things that both judged. */
  readonly count: number;
  /** Share on which they agree. */
  readonly agreed: number;
  /** Cohen's kappa (1960): agreement beyond chance; 1 when neither ever says yes, or both always do. */
  readonly kappa: number;
}

/** (p_o - p_e) / (1 - p_e), p_e from each judge's own share of yes. @param pairs what the two said of each thing */
export function cohensKappa(pairs: readonly (readonly [boolean, boolean])[]): Agreement {
  const count = pairs.length;
  if (count === 0) return { count, agreed: Number.NaN, kappa: Number.NaN };
  const share = (test: (pair: readonly [boolean, boolean]) => boolean) => pairs.filter(test).length / count;
  const agreed = share(([a, b]) => a === b);
  const [a, b] = [share(([first]) => first), share(([, second]) => second)];
  const chance = a * b + (1 - a) * (1 - b);
  return { count, agreed, kappa: chance === 1 ? 1 : (agreed - chance) / (1 - chance) };
}
