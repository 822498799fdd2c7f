import type { Device } from '../tensor/index.ts';
import type { Outcome } from './compare.ts';
import type { GoldenCase } from './goldenCase.ts';
import type { Quantity } from './manifest.ts';

/** Computes one quantity of a case and compares it. @throws UnknownQuantity for one that it does not know */
export type Check = (quantity: Quantity) => Promise<Outcome> | Outcome;

export interface VerifyOptions {
  /** Compute what can be computed in float64 too, and say how much of the difference is whose rounding. */
  readonly float64?: boolean;
  /** What computes network and sampler cases, and in what; the CPU and float32 when left out. */
  readonly device?: Device;
  readonly precision?: 'float32' | 'float16';
}

/** Prepares a case of one kind: what it returns is asked for each quantity in turn. */
export type Kind = (golden: GoldenCase, options: VerifyOptions) => Promise<Check> | Check;
