import { ValetError } from '../base/index.ts';

/** A plan that must not be executed: it holds numbers that are not finite. */
export class UnusablePlanError extends ValetError {
  override name = 'UnusablePlanError';
}

/** A number beyond this could overflow float32 in an action; no network that is well gives one. */
const LARGEST_NUMBER = 1e30;

/**
 * The door at which a network's numbers are checked.
 * @throws UnusablePlanError when an action is not finite, or a logit is no number
 */
export function requireFinite(actions: Float64Array, stageLogits: Float32Array): void {
  const bad = actions.findIndex((x) => !(Math.abs(x) <= LARGEST_NUMBER));
  if (bad >= 0)
    throw new UnusablePlanError('session', `the plan holds numbers that are not finite (got ${actions[bad]}).`);
  if (stageLogits.some(Number.isNaN)) throw new UnusablePlanError('session', "the plan's stage logits are no numbers.");
}
