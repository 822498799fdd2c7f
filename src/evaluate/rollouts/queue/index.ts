/** Rollouts over a queue: the evaluation's side, and the household worker's on any machine. */
export { openQueueRunner } from './queueRunner.ts';
export { rolloutHandler } from './rolloutHandler.ts';
