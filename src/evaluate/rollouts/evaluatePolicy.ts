import { InputError, ValetError } from '../../base/index.ts';
import type { Policy } from '../../robot/index.ts';
import type { LedgerLine } from '../ledger/index.ts';
import { type Summary, summarise } from '../scores/index.ts';
import type { Environment } from './environment.ts';
import { type EpisodeResult, runEpisode } from './episode.ts';

export interface EvaluatePolicyOptions {
  /** The policy, or one for each episode; one that is made for an episode is closed after it. */
  readonly policy: Policy | ((environment: Environment, instance: number) => Policy | Promise<Policy>);
  /** Where it is evaluated: one environment a task. They stay open. */
  readonly environments: readonly Environment[];
  readonly instances: readonly number[];
  /** Fewer steps than the tasks' time-outs, for a quick look. */
  readonly maxSteps?: number;
  /** Seed of the intervals. */
  readonly seed?: string;
  /** Told after each episode. */
  readonly onEpisode?: (episode: PlayedEpisode) => void;
}

export interface PlayedEpisode extends EpisodeResult {
  readonly task: string;
  readonly instance: number;
}

/**
 * Plays every instance of every environment in this process and scores it as `valet eval` does, without a folder.
 * Episodes that an environment calls invalid, or in which the policy breaks down, are listed and in no mean.
 * @throws InputError when there is nothing to play, or the policy drives another robot
 */
export async function evaluatePolicy(
  options: EvaluatePolicyOptions,
): Promise<Summary & { readonly played: readonly PlayedEpisode[] }> {
  const { environments, instances, maxSteps, seed = '0', onEpisode } = options;
  if (environments.length === 0 || instances.length === 0)
    throw new InputError('evaluatePolicy', 'there is nothing to do: give environments and instances.');
  const played: PlayedEpisode[] = [];
  for (const environment of environments)
    for (const instance of instances) {
      const { task } = environment;
      const result = await playOne(options.policy, environment, instance, maxSteps);
      const episode = { task, instance, ...result };
      played.push(episode);
      onEpisode?.(episode);
    }
  return { ...summarise(played.map(asLine), seed), played };
}

async function playOne(
  policy: EvaluatePolicyOptions['policy'],
  environment: Environment,
  instance: number,
  maxSteps: number | undefined,
): Promise<EpisodeResult> {
  const own = typeof policy === 'function' ? await policy(environment, instance) : policy;
  try {
    return await runEpisode({
      environment,
      policy: own,
      instance,
      ...(maxSteps === undefined ? {} : { maxSteps }),
    });
  } catch (error) {
    if (error instanceof ValetError && error.kind === 'input') throw error;
    return brokenOff(environment, error as Error);
  } finally {
    if (typeof policy === 'function') await own.close();
  }
}

/** An episode in which the policy failed: invalid, with the reason. */
export function brokenOff({ steps, maxSteps }: Environment, error: Error): EpisodeResult {
  return {
    q: 0,
    success: false,
    steps: Math.max(0, steps),
    maxSteps,
    distance: { base: 0, left: 0, right: 0 },
    goal: [],
    plans: 0,
    invalid: `the policy failed: ${error.message}`,
  };
}

function asLine({ invalid, ...episode }: PlayedEpisode): LedgerLine {
  return {
    ...episode,
    rollout: 0,
    state: invalid === undefined ? 'done' : 'invalid',
    attempt: 1,
    worker: 0,
    started: '',
    seconds: 0,
    ...(invalid === undefined ? {} : { reason: invalid }),
  };
}
