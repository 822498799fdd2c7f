import { InputError } from '../../base/index.ts';
import type { Policy, PolicyNote } from '../../robot/index.ts';
import type { Environment, EnvironmentStep } from './environment.ts';

/** How one episode went. */
export interface EpisodeResult {
  readonly q: number;
  readonly success: boolean;
  readonly steps: number;
  readonly maxSteps: number;
  /** Metres travelled by the base and by each hand; 0 where nobody measures. */
  readonly distance: { readonly base: number; readonly left: number; readonly right: number };
  readonly goal: { readonly text: string; readonly initial: boolean; readonly value: boolean }[];
  /** Plans that the policy said it made. */
  readonly plans: number;
  /** Why the episode does not count. */
  readonly invalid?: string;
}

/** Who keeps a rollout while it is played. */
export interface RolloutObserver {
  start(): void;
  step(action: Float32Array, note: PolicyNote | undefined): void;
  end(): void;
}

export interface EpisodeOptions {
  readonly environment: Environment;
  readonly policy: Policy;
  readonly instance: number;
  /** Fewer steps than the task's time-out, for tests. */
  readonly maxSteps?: number;
  readonly observer?: RolloutObserver | undefined;
}

/**
 * The official loop (docs/facts.md#evaluator-loop): reset, then observe, act and step until success or time-out.
 * @throws InputError for a policy whose actions are not as wide as the robot's
 */
export async function runEpisode({
  environment,
  policy,
  instance,
  maxSteps,
  observer,
}: EpisodeOptions): Promise<EpisodeResult> {
  await policy.reset();
  await environment.reset(instance);
  await policy.reset();
  observer?.start();
  const limit = Math.min(environment.maxSteps, maxSteps ?? Number.POSITIVE_INFINITY);
  let plans = 0;
  let result: EnvironmentStep = { done: false, success: false };
  while (!result.done && environment.steps < limit) {
    const action = await policy.act(await environment.observe());
    const { width, name } = environment.robot;
    if (action.length !== width)
      throw new InputError(
        'evaluate',
        `the policy gives ${action.length} numbers an action, the robot ${name} takes ${width}. Is it another robot's?`,
      );
    const { note } = policy;
    if (note?.planned) plans++;
    result = await environment.step(action);
    observer?.step(action, note);
  }
  observer?.end();
  const { success, invalid } = result;
  return {
    q: environment.q(),
    success,
    steps: environment.steps,
    maxSteps: limit,
    distance: environment.distances?.() ?? { base: 0, left: 0, right: 0 },
    goal: [...(environment.goal?.().literals ?? [])],
    plans,
    ...(invalid === undefined ? {} : { invalid }),
  };
}
