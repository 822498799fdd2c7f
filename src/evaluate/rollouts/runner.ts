import { join } from 'node:path';
import { UnreachableError, ValetError } from '../../base/index.ts';
import type { EncodedEpisode } from '../../data/index.ts';
import {
  type HomeTask,
  type Household,
  type LimitYear,
  openHousehold,
  openPerturbed,
  type PerturbationSpec,
  type PerturbedHousehold,
} from '../../home/index.ts';
import { type Unit, unitName } from '../ledger/index.ts';
import type { TaskPace } from './course.ts';
import { type EpisodeResult, runEpisode } from './episode.ts';
import { type DataSettings, EpisodeData } from './episodeData.ts';
import type { PolicySource } from './policySource.ts';
import { RolloutRecorder } from './rolloutRecorder.ts';

/** What every rollout of an evaluation has in common, besides the policy; plain data. */
export interface RolloutSettings {
  /** The n-th is that of each instance's n-th rollout. */
  readonly seeds: readonly string[];
  readonly maxSteps?: number | undefined;
  /** Whose time-outs hold ('2025'). */
  readonly edition?: LimitYear | undefined;
  /** What goes wrong in every episode. */
  readonly perturb?: readonly PerturbationSpec[] | undefined;
  /** Keep rollouts below this evaluation folder. */
  readonly recordTo?: string | undefined;
  /** Keep rollouts as episodes of a data set. */
  readonly data?: DataSettings | undefined;
}

/** Where and when an episode was played, when not here and now. */
export interface Played {
  readonly worker: number;
  readonly host: string;
  /** ISO date. */
  readonly started: string;
  readonly seconds: number;
}

/** What came of an attempt at a unit. */
export type Attempt = EpisodeResult & {
  readonly played?: Played | undefined;
  /** The episode of the data set that it has become. */
  readonly data?: EncodedEpisode | undefined;
};

/** Makes rollouts one after the other, with a household for each task that stays. */
export interface Runner {
  /** What is off in the policy because its robot or checkpoint lacks it. */
  readonly notices: readonly string[];
  /**
   * An episode that broke off, in the engine or in the policy, comes back as invalid.
   * @param attempt which one it is at this unit, from 1
   * @throws ValetError (interrupted) once the signal is aborted
   */
  run(unit: Unit, signal?: AbortSignal, attempt?: number): Promise<Attempt>;
  /**
   * Plays the first steps of a unit, and keeps nothing of them: how long it will take at most. Absent where others
   * would notice, such as a server.
   */
  pace?(unit: Unit, signal?: AbortSignal): Promise<TaskPace>;
  /** Hears that an attempt stands in the book: nothing of it need be kept elsewhere. */
  booked?(unit: Unit, attempt: number): Promise<void>;
  close(): Promise<void>;
}

/** Control steps that tell how fast an episode goes: two plans of the policy that is shipped. */
const PACE_STEPS = 45;

/**
 * @param taskOf the task of a name: one of the household's, or one of the caller's own. The runner closes the source.
 */
export function openRunner(
  source: PolicySource,
  { seeds, maxSteps, edition, perturb = [], recordTo, data }: RolloutSettings,
  taskOf: (name: string) => string | HomeTask = (name) => name,
): Runner {
  const worlds = new Map<string, { household: Household; perturbed?: PerturbedHousehold }>();
  const open = async (task: string) => {
    const options = { imageSize: source.imageSize, edition };
    if (perturb.length === 0) return { household: await openHousehold(taskOf(task), options) };
    const perturbed = await openPerturbed(taskOf(task), perturb, options);
    return { household: perturbed.household, perturbed };
  };
  const worldOf = async (task: string) => {
    const world = worlds.get(task) ?? (await open(task));
    worlds.set(task, world);
    return world;
  };
  return {
    notices: source.notices ?? [],
    async run(unit, signal) {
      const { household, perturbed } = await worldOf(unit.task);
      const recorder = recordTo === undefined ? undefined : new RolloutRecorder(household, perturbed);
      const episode = data && new EpisodeData(household);
      const seed = seeds[unit.rollout] ?? '0';
      const policy = await source.policyFor(unit, household, seed, signal).catch((error: Error) => error);
      if (policy instanceof Error) return brokenOff(household, policy);
      try {
        const { instance } = unit;
        const result = await runEpisode({
          environment: perturbed ?? household,
          policy,
          instance,
          maxSteps,
          recorders: [recorder, episode].filter((one) => one !== undefined),
          signal,
        });
        if (recordTo !== undefined) await recorder?.write(join(recordTo, 'rollouts', unitName(unit)));
        const number = data?.numbers[unitName(unit)];
        if (!data || number === undefined || result.invalid !== undefined) return result;
        return { ...result, data: await episode?.write(unit, number, result, data) };
      } catch (error) {
        return brokenOff(household, error as Error);
      } finally {
        await policy.close();
      }
    },
    async pace(unit, signal) {
      const { household, perturbed } = await worldOf(unit.task);
      const policy = await source.policyFor(unit, household, seeds[unit.rollout] ?? '0', signal);
      try {
        const environment = perturbed ?? household;
        const begun = { environment, policy, instance: unit.instance, signal };
        await runEpisode({ ...begun, maxSteps: 1 }); // what only the first step costs
        const started = performance.now();
        const { steps } = await runEpisode({ ...begun, maxSteps: Math.min(PACE_STEPS, maxSteps ?? PACE_STEPS) });
        const seconds = (performance.now() - started) / 1000;
        const most = Math.min(household.maxSteps, maxSteps ?? Number.POSITIVE_INFINITY);
        return { task: unit.task, seconds: (seconds / Math.max(1, steps)) * most, from: 'steps' };
      } finally {
        await policy.close();
      }
    },
    async close() {
      for (const { household } of worlds.values()) household.close();
      await source.close();
    },
  };
}

function brokenOff(household: Household, error: Error): EpisodeResult {
  // No second attempt would help, or none is wanted.
  if (error instanceof ValetError && error.kind !== 'failure') throw error;
  return {
    q: 0,
    success: false,
    steps: Math.max(0, household.steps),
    maxSteps: household.maxSteps,
    distance: { base: 0, left: 0, right: 0 },
    goal: [],
    plans: 0,
    invalid: `the policy failed: ${error.message}`,
    fault: error instanceof UnreachableError ? 'unreachable' : 'policy',
  };
}
