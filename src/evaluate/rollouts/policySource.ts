import { HOUSEHOLD_ROBOT, type Household, homeTask } from '../../home/index.ts';
import type { PlanTiming, Policy } from '../../robot/index.ts';
import type { Unit } from '../ledger/index.ts';
import { ablated, blinded, worldStage } from './ablations.ts';
import { demonstrationActions, ExpertPolicy, HoldPolicy, ReplayPolicy, recordedActions } from './baselines.ts';
import { connectRemote } from './connectRemote.ts';
import { requireFit } from './environment.ts';
import { type DemonstrationMemory, NEAREST_DEMONSTRATIONS, NearestPolicy, rememberTask } from './nearestPolicy.ts';
import type { PolicySpec } from './policySpec.ts';
import { noiseSeed } from './seeds.ts';

/** Gives each unit its policy; owns what several units share: the network, the connection. */
export interface PolicySource {
  /** Side of the pictures that the policy wants. */
  readonly imageSize: number;
  /** What is off because the policy's robot or checkpoint lacks it. */
  readonly notices?: readonly string[];
  /**
   * A policy for one rollout; the caller closes it. The same unit and seed give the same policy.
   * @param signal ends whatever it waits for
   */
  policyFor(unit: Unit, household: Household, seed: string, signal?: AbortSignal): Promise<Policy>;
  close(): Promise<void>;
}

/**
 * Loads or connects what the spec names; the layers that only some need are imported when they are needed, because each
 * worker does this anew.
 * @param environments episodes that may be under way at a time
 * @throws InputError for a bad checkpoint or address
 */
export async function openPolicy(spec: PolicySpec, imageSize = 64, environments = 1): Promise<PolicySource> {
  const nothing = async () => {};
  switch (spec.kind) {
    case 'hold':
      return { imageSize, policyFor: async (_unit, household) => new HoldPolicy(household.robot), close: nothing };
    case 'expert':
      return { imageSize, policyFor: async (_unit, household) => new ExpertPolicy(household), close: nothing };
    case 'nearest': {
      const { demonstrations = NEAREST_DEMONSTRATIONS } = spec;
      const memories = new Map<string, Promise<DemonstrationMemory>>();
      const memoryOf = (task: string) => {
        const known = memories.get(task) ?? rememberTask(task, demonstrations, imageSize);
        memories.set(task, known);
        return known;
      };
      return {
        imageSize,
        policyFor: async ({ task }, household) => new NearestPolicy(await memoryOf(task), household),
        close: nothing,
      };
    }
    case 'replay': {
      const { demos } = spec;
      const actions = (unit: Unit, seed: string) =>
        demos === undefined
          ? demonstrationActions(unit.task, noiseSeed(unit, seed))
          : recordedActions(demos, homeTask(unit.task).id, noiseSeed(unit, seed));
      return {
        imageSize,
        policyFor: async (unit, household, seed) => new ReplayPolicy(await actions(unit, seed), household.robot),
        close: nothing,
      };
    }
    case 'checkpoint': {
      const [{ createPlanner, readCheckpoint, checkpointSession }, { createSession }, { RecordedPlans }] =
        await Promise.all([
          import('../../model/index.ts'),
          import('../../control/index.ts'),
          import('./plannedPolicy.ts'),
        ]);
      const { threads, copies, session, ablation } = spec;
      const checkpoint = await readCheckpoint(spec.folder, spec.planner);
      const { robot } = checkpoint;
      requireFit(robot, HOUSEHOLD_ROBOT);
      const options = { robot, ...checkpointSession(checkpoint), ...session };
      let parts: PlanTiming | undefined;
      const together = environments > 1 ? await import('./sharedPasses.ts') : undefined;
      const planner = await createPlanner(checkpoint, {
        ...spec.planner,
        onPass: (timing) => void (parts = timing),
        ...(together && { batchSizes: together.batchSizes(environments) }),
        ...(threads !== undefined && { threads }),
        ...(copies !== undefined && { copies }),
      });
      const shared = together && new together.SharedPasses(planner, environments);
      const meanState = checkpoint.normStats.state.mean.slice(0, robot.width);
      return {
        imageSize: planner.imageSize,
        notices: createSession(options).notices,
        policyFor: async (unit, household, seed, signal) => {
          const seat = shared?.join(signal);
          const own = seat?.planner ?? planner;
          return new RecordedPlans(
            ablation ? ablated(own, ablation, { meanState, stageNow: worldStage(household) }) : own,
            createSession({ ...options, seed: noiseSeed(unit, seed) }),
            { partsOf: () => parts, onClose: seat?.leave },
          );
        },
        close: () => planner.close(),
      };
    }
    case 'remote':
      return {
        imageSize,
        policyFor: async (unit, _household, seed, signal) => {
          const policy = await connectRemote(spec, noiseSeed(unit, seed), { signal });
          return spec.ablation === 'blind' ? blinded(policy) : policy;
        },
        close: nothing,
      };
  }
}
