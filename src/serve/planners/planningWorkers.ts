import { PlannerClient, type PlannerOptions } from '../../model/index.ts';
import { type BatchingOptions, BatchingPlanner } from './batch.ts';
import type { LoadCheckpoint } from './checkpointPool.ts';
import { type MortalPlanner, SupervisedPlanner, type SupervisionOptions } from './supervisedPlanner.ts';

export interface PlanningOptions {
  /** Worker threads for each checkpoint; each holds the network once. */
  readonly workers?: number;
  readonly planner?: PlannerOptions;
  readonly batching: BatchingOptions;
  readonly supervision?: SupervisionOptions;
  /** Starts one worker; `PlannerClient.start` when left out. */
  readonly start?: (
    folder: string,
    options: PlannerOptions,
    admit?: (bytes: number) => Promise<void>,
  ) => Promise<MortalPlanner & { readonly bytes: number }>;
}

/** The batch sizes that are compiled ahead: the powers of two up to the largest, and that one. */
function batchSizes(largest: number): number[] {
  const sizes = new Set([largest]);
  for (let size = 1; size <= largest; size *= 2) sizes.add(size);
  return [...sizes].sort((a, b) => a - b);
}

/** Loads checkpoints into worker threads of their own, restarted when they die, behind one queue that batches. */
export function planningWorkers(options: PlanningOptions): LoadCheckpoint {
  const { workers = 1, planner: network = {}, batching, supervision = {} } = options;
  const { start = PlannerClient.start } = options;
  const settings: PlannerOptions = { batchSizes: batchSizes(batching.size), ...network };
  return async (folder, admit) => {
    let bytes = 0;
    const planners: SupervisedPlanner[] = [];
    try {
      const measured = async (one: number) => {
        bytes = one * workers;
        await admit(bytes);
      };
      const first = await start(folder, settings, measured);
      planners.push(
        await SupervisedPlanner.start(
          once(first, () => start(folder, settings)),
          supervision,
        ),
      );
      while (planners.length < workers)
        planners.push(await SupervisedPlanner.start(() => start(folder, settings), supervision));
    } catch (error) {
      await Promise.all(planners.map((planner) => planner.close()));
      throw error;
    }
    return {
      planner: new BatchingPlanner(planners, batching),
      bytes,
      get isUp() {
        return planners.some(({ isUp }) => isUp);
      },
    };
  };
}

/** The first call gives what is there already. */
function once<T>(first: T, then: () => Promise<T>): () => Promise<T> {
  let used = false;
  return () => {
    if (used) return then();
    used = true;
    return Promise.resolve(first);
  };
}
