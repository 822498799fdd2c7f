import { join } from 'node:path';
import { ValetError } from '../../base/index.ts';
import type { Household } from '../../home/index.ts';
import { openHousehold } from '../../home/index.ts';
import { type Unit, unitName } from '../ledger/index.ts';
import { householdEnvironment } from './environment.ts';
import { type EpisodeResult, runEpisode } from './episode.ts';
import { brokenOff } from './evaluatePolicy.ts';
import { openPolicy } from './policySource.ts';
import type { PolicySpec } from './policySpec.ts';
import { RolloutRecorder } from './recorder.ts';

/** What every rollout of an evaluation has in common; plain data. */
export interface RunnerSettings {
  readonly policy: PolicySpec;
  readonly seed: string;
  readonly imageSize: number;
  readonly maxSteps?: number;
  /** Keep rollouts below this evaluation folder. */
  readonly recordTo?: string;
}

/** Makes rollouts one after the other, with a household for each task that stays. */
export interface Runner {
  /** An episode that broke off, in the engine or in the policy, comes back as invalid. */
  run(unit: Unit): Promise<EpisodeResult>;
  close(): Promise<void>;
}

export async function openRunner({
  policy: spec,
  seed,
  imageSize,
  maxSteps,
  recordTo,
}: RunnerSettings): Promise<Runner> {
  const source = await openPolicy(spec, imageSize);
  const households = new Map<string, Household>();
  const householdOf = async (task: string) => {
    const household = households.get(task) ?? (await openHousehold(task, { imageSize: source.imageSize }));
    households.set(task, household);
    return household;
  };
  return {
    async run(unit) {
      const household = await householdOf(unit.task);
      const environment = householdEnvironment(household);
      const recorder = recordTo === undefined ? undefined : new RolloutRecorder(household);
      const failed = (error: Error): EpisodeResult => {
        if (error instanceof ValetError && error.kind === 'input') throw error; // no second attempt would help
        return brokenOff(environment, error);
      };
      const policy = await source.policyFor(unit, household, seed).catch((error: Error) => error);
      if (policy instanceof Error) return failed(policy);
      try {
        const result = await runEpisode({
          environment,
          policy,
          instance: unit.instance,
          ...(maxSteps === undefined ? {} : { maxSteps }),
          observer: recorder,
        });
        if (recordTo !== undefined) await recorder?.write(join(recordTo, 'rollouts', unitName(unit)));
        return result;
      } catch (error) {
        return failed(error as Error);
      } finally {
        await policy.close();
      }
    },
    async close() {
      for (const household of households.values()) household.close();
      await source.close();
    },
  };
}
