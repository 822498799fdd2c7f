import { compareLedgers } from '../compare/index.ts';
import { counted, type LedgerLine } from '../ledger/index.ts';
import { type Interval, wilson } from '../scores/index.ts';

/** What a perturbation did to a policy. Bounds are those of 95 % intervals. */
export interface Robustness {
  /** Success in the episodes in which the fault struck; mean is null when it never did. */
  readonly recovery: {
    readonly struck: number;
    readonly mean: number | null;
    readonly low: number;
    readonly high: number;
  };
  /** q of the clean pair less q of the perturbed one, by instance and seed: above 0 is a loss. */
  readonly degradation: Interval & {
    readonly p: number;
    readonly pairs: number;
    /** The smallest true loss that so many pairs find in 80 of 100 studies. */
    readonly smallestDifference: number;
  };
}

/** Whether at least one perturbation of the episode did something. */
const wasStruck = ({ perturbations = [] }: Pick<LedgerLine, 'perturbations'>): boolean =>
  perturbations.some(({ struck }) => struck !== null);

/**
 * Scores of a perturbed evaluation against its clean pair.
 * @param seed of the permutation test's draws @throws InputError when no episode has a partner
 */
export function robustness(clean: readonly LedgerLine[], perturbed: readonly LedgerLine[], seed = '0'): Robustness {
  const hit = counted(perturbed).filter(wasStruck);
  const share = wilson(hit.filter(({ success }) => success).length / hit.length, hit.length);
  const { episodes, difference, p, smallestDifference } = compareLedgers(perturbed, clean, seed);
  return {
    recovery: {
      struck: hit.length,
      mean: hit.length === 0 ? null : share.mean,
      low: share.low,
      high: share.high,
    },
    degradation: { ...difference, p, pairs: episodes, smallestDifference },
  };
}

/** The two scores as a line for a terminal. */
export function robustnessLine({ recovery, degradation }: Robustness): string {
  const number = (value: number) => value.toFixed(3);
  const { mean, low, high } = degradation;
  const struck =
    recovery.mean === null
      ? 'it never struck'
      : `it struck in ${recovery.struck}; of these ${(100 * recovery.mean).toFixed(0)} % were done ` +
        `[${(100 * recovery.low).toFixed(0)}, ${(100 * recovery.high).toFixed(0)}]`;
  return (
    `q lost against ${degradation.pairs} clean pairs: ${number(mean)} [${number(low)}, ${number(high)}]; ${struck}. ` +
    `So many pairs find true losses from ${number(degradation.smallestDifference)} on.`
  );
}
