import type { Outcome } from './compare.ts';
import type { GoldenCase } from './goldenCase.ts';
import type { Quantity } from './manifest.ts';

/** Computes one quantity of a case and compares it. @throws UnknownQuantity for one that it does not know */
export type Check = (quantity: Quantity) => Promise<Outcome> | Outcome;

/** Prepares a case of one kind: what it returns is asked for each quantity in turn. */
export type Kind = (golden: GoldenCase) => Promise<Check> | Check;
