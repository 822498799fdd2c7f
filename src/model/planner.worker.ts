import { workerData } from 'node:worker_threads';
import { answerCalls, Transfer } from '../base/index.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { Planner, PlanRequest } from './plan.ts';
import { createPlanner, type PlannerOptions } from './planner.ts';

/** Owns one planner: the programs run on this thread, never on the main one. */
const { checkpoint, options } = workerData as { checkpoint: string; options: PlannerOptions };
let planner: Promise<Planner> | undefined;
const ready = (): Promise<Planner> => {
  planner ??= readCheckpoint(checkpoint).then((read) => createPlanner(read, options));
  return planner;
};

answerCalls({
  open: async () => ({ imageSize: (await ready()).imageSize }),
  plan: async (requests: readonly PlanRequest[]) => {
    const predictions = await (await ready()).plan(requests);
    return new Transfer(
      predictions,
      predictions.map(({ actions }) => actions.buffer as ArrayBuffer),
    );
  },
  close: async () => (await ready()).close(),
});
