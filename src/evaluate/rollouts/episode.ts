import { throwIfAbandoned, ValetError } from '../../base/index.ts';
import type { PerturbationRecord } from '../../home/index.ts';
import type { Observation, PlanRecord, Policy, PolicyNote } from '../../robot/index.ts';
import { type Environment, requireFit } from './environment.ts';

/** Control steps between two looks at what else there is to do. */
const STEPS_A_TURN = 10;

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
  /** Requests to the policy's server, where that is one. */
  readonly queries?: number;
  /** What went wrong in it by intention. */
  readonly perturbations?: readonly PerturbationRecord[];
  /** Why the episode does not count. */
  readonly invalid?: string;
  /** Whose fault that is, when it is not the simulator's: the policy's, or its server is out of reach. */
  readonly fault?: 'policy' | 'unreachable';
}

/** Watches an episode. */
export interface EpisodeRecorder {
  /** After the reset. */
  start(): void;
  /** Before each step: what the policy is given. */
  observe?(observation: Observation): void;
  /** After each step: the action that was played, and what the policy said about it, and the plan that it began. */
  step(action: ArrayLike<number>, note: PolicyNote | undefined, plan?: PlanRecord): void;
  end(): void;
}

export interface EpisodeOptions {
  readonly environment: Environment;
  readonly policy: Policy;
  readonly instance: number;
  /** Fewer steps than the environment's time-out, for tests. */
  readonly maxSteps?: number | undefined;
  readonly recorders?: readonly EpisodeRecorder[] | undefined;
  /** Ends the episode at its next step. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The official loop (docs/facts.md#evaluator-loop): reset, then observe, act and step until success or time-out.
 * @throws InputError when the policy is for another robot, ValetError (interrupted) when it was ended
 */
export async function runEpisode(options: EpisodeOptions): Promise<EpisodeResult> {
  const { environment, policy, instance, maxSteps, recorders = [], signal } = options;
  if (policy.robot) requireFit(policy.robot, environment.robot);
  await policy.reset();
  environment.reset(instance);
  await policy.reset();
  for (const recorder of recorders) recorder.start();
  const limit = Math.min(environment.maxSteps, maxSteps ?? Number.POSITIVE_INFINITY);
  let plans = 0;
  let result: ReturnType<Environment['step']> = { done: false, success: false };
  while (!result.done && environment.steps < limit) {
    throwIfAbandoned();
    if (signal?.aborted) throw new ValetError('evaluate', 'the episode was interrupted.', 'interrupted');
    // Policies that answer at once would let nobody else on this thread have a turn.
    if (environment.steps % STEPS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    const observation = environment.observation();
    for (const recorder of recorders) recorder.observe?.(observation);
    const action = await policy.act(observation);
    const { note, plan } = policy;
    if (note?.planned) plans++;
    result = environment.step(action);
    for (const recorder of recorders) recorder.step(action, note, plan);
  }
  for (const recorder of recorders) recorder.end();
  const { success, invalid } = result;
  const { queries } = policy;
  const perturbations = environment.perturbations?.();
  return {
    q: environment.q(),
    success,
    steps: environment.steps,
    maxSteps: limit,
    distance: environment.distances?.() ?? { base: 0, left: 0, right: 0 },
    goal: environment.goal?.().literals ?? [],
    plans,
    ...(queries !== undefined && { queries }),
    ...(perturbations && { perturbations }),
    ...(invalid === undefined ? {} : { invalid }),
  };
}
