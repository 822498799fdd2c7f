import type { Household } from '../../home/index.ts';
import type { Policy } from '../../robot/index.ts';
import { lazyObservation } from './lazyObservation.ts';
import type { Recorder } from './recorder.ts';

/** How one episode went. */
export interface EpisodeResult {
  readonly q: number;
  readonly success: boolean;
  readonly steps: number;
  readonly maxSteps: number;
  /** Metres travelled by the base and by each hand. */
  readonly distance: { readonly base: number; readonly left: number; readonly right: number };
  readonly goal: { readonly text: string; readonly initial: boolean; readonly value: boolean }[];
  /** Plans that the policy said it made. */
  readonly plans: number;
  /** Why the episode does not count. */
  readonly invalid?: string;
}

export interface EpisodeOptions {
  readonly household: Household;
  readonly policy: Policy;
  readonly instance: number;
  /** Fewer steps than the task's time-out, for tests. */
  readonly maxSteps?: number;
  readonly recorder?: Recorder;
}

/** The official loop (docs/facts.md#evaluator-loop): reset, then observe, act and step until success or time-out. */
export async function runEpisode({
  household,
  policy,
  instance,
  maxSteps,
  recorder,
}: EpisodeOptions): Promise<EpisodeResult> {
  await policy.reset();
  household.reset(instance);
  await policy.reset();
  recorder?.start(household);
  const limit = Math.min(household.maxSteps, maxSteps ?? Number.POSITIVE_INFINITY);
  let plans = 0;
  let result: { done: boolean; success: boolean; invalid?: string } = { done: false, success: false };
  while (!result.done && household.steps < limit) {
    const action = await policy.act(lazyObservation(household));
    const { note } = policy;
    if (note?.planned) plans++;
    result = household.step(action);
    recorder?.step(household, action, note);
  }
  recorder?.end(household);
  const { success, invalid } = result;
  return {
    q: household.q(),
    success,
    steps: household.steps,
    maxSteps: limit,
    distance: household.distances(),
    goal: household.goal().literals,
    plans,
    ...(invalid === undefined ? {} : { invalid }),
  };
}
