import type { Outcome } from './compare.ts';
import type { GoldenCase } from './goldenCase.ts';
import type { Quantity } from './manifest.ts';

/** Computes one quantity of a case and compares it. @throws UnknownQuantity for one that it does not know */
export type Check = (quantity: Quantity) => Promise<Outcome> | Outcome;

export interface VerifyOptions {
  /** Compute what can be computed in float64 too, and say how much of the difference is whose rounding. */
  readonly float64?: boolean;
}

/** Prepares a case of one kind: what it returns is asked for each quantity in turn. */
export type Kind = (golden: GoldenCase, options: VerifyOptions) => Promise<Check> | Check;
