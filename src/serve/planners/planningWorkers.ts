import { ValetError } from '../../base/index.ts';
import { PlannerClient, type PlannerOptions } from '../../model/index.ts';
import { type BatchingOptions, BatchingPlanner } from './batch.ts';
import type { LoadCheckpoint } from './loadedCheckpoint.ts';
import {
  type RestartablePlanner,
  type StartPlanner,
  SupervisedPlanner,
  type SupervisionOptions,
} from './supervisedPlanner.ts';

export interface PlanningWorkersOptions {
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
    signal?: AbortSignal,
  ) => Promise<RestartablePlanner & { readonly bytes: number }>;
}

/** The batch sizes that are compiled ahead: the powers of two up to the largest, and that one. */
export function batchSizes(largest: number): number[] {
  const sizes = new Set([largest]);
  for (let size = 1; size <= largest; size *= 2) sizes.add(size);
  return [...sizes].sort((a, b) => a - b);
}

/** Loads checkpoints into worker threads of their own, restarted when they die, behind one queue that batches. */
export function planningWorkers(options: PlanningWorkersOptions): LoadCheckpoint {
  const { workers = 1, planner: network = {}, batching, supervision = {} } = options;
  const { start = PlannerClient.start } = options;
  const settings: PlannerOptions = { batchSizes: batchSizes(batching.size), ...network };
  return async (folder, admit, signal) => {
    let bytes: number | undefined;
    const planners: SupervisedPlanner[] = [];
    try {
      const measured = async (one: number) => {
        if (bytes !== undefined) return;
        bytes = one * workers;
        await admit(bytes);
      };
      const another: StartPlanner = (wanted) => start(folder, settings, undefined, wanted);
      const first = await twice(() => start(folder, settings, measured, signal), signal);
      planners.push(await SupervisedPlanner.start(once(first, another), supervision));
      while (planners.length < workers)
        planners.push(await twice(() => SupervisedPlanner.start(another, supervision, signal), signal));
    } catch (error) {
      await Promise.all(planners.map((planner) => planner.close()));
      throw error;
    }
    return {
      planner: new BatchingPlanner(planners, batching),
      bytes: bytes ?? 0,
      get isUp() {
        return planners.some(({ isUp }) => isUp);
      },
    };
  };
}

/** A worker that ends while it loads is no fault of the checkpoint: another one is started, once. */
async function twice<T>(start: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (signal?.aborted || (error instanceof ValetError && error.kind === 'input')) throw error;
    return start();
  }
}

/** The first call gives what is there already. */
function once(first: RestartablePlanner, then: StartPlanner): StartPlanner {
  let used = false;
  return (signal) => {
    if (used) return then(signal);
    used = true;
    return Promise.resolve(first);
  };
}
