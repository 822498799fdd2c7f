import { workerData } from 'node:worker_threads';
import { answerCalls, Transfer } from '../../base/index.ts';
import type { Planner, PlanRequest, PlanTiming } from '../../robot/index.ts';
import { type Checkpoint, checkpointSession, readCheckpoint } from '../checkpoint.ts';
import { planningBytes } from '../memory.ts';
import { createPlanner, type PlannerOptions, planningNeeds } from './planner.ts';

/** Owns one planner: the programs run on this thread, never on the main one. */
const { checkpoint, options } = workerData as { checkpoint: string; options: PlannerOptions };
let read: Promise<Checkpoint> | undefined;
let planner: Promise<Planner> | undefined;
let passes: PlanTiming[] = [];
const onPass = (timing: PlanTiming) => passes.push(timing);
const folder = (): Promise<Checkpoint> => (read ??= readCheckpoint(checkpoint, options));
const ready = (): Promise<Planner> =>
  (planner ??= folder().then((found) => createPlanner(found, { ...options, onPass })));

answerCalls({
  measure: async () => {
    const found = await folder();
    return { bytes: planningBytes(found.config, planningNeeds(found, { ...options, copies: 1 })) };
  },
  open: async () => {
    const { imageSize, robot } = await ready();
    return { imageSize, robot, session: checkpointSession(await folder()) };
  },
  plan: async (requests: readonly PlanRequest[]) => {
    passes = [];
    const predictions = await (await ready()).plan(requests);
    return new Transfer(
      { predictions, passes },
      predictions.map(({ actions }) => actions.buffer as ArrayBuffer),
    );
  },
  close: async () => (await ready()).close(),
});
