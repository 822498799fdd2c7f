/** One ground literal of a goal: a statement about the world that is true or false now. */
export interface Literal {
  readonly text: string;
  holds(): boolean;
}

/** A goal in disjunctive form: any one option, with all of its literals (indices), fulfils it. */
export interface Goal {
  readonly literals: readonly Literal[];
  readonly options: readonly (readonly number[])[];
}

/**
 * The challenge's q (docs/facts.md#scores): 1 when some option is fulfilled; otherwise the best option's share of
 * literals that were false at the start and are true now. A literal that was true at the start stays in the denominator
 * and never earns credit.
 */
export function qScore(options: Goal['options'], initial: readonly boolean[], now: readonly boolean[]): number {
  if (fulfilled(options, now)) return 1;
  return Math.max(
    0,
    ...options.map((option) => option.filter((i) => now[i] && !initial[i]).length / Math.max(1, option.length)),
  );
}

export const fulfilled = (options: Goal['options'], now: readonly boolean[]): boolean =>
  options.some((option) => option.every((i) => now[i]));
