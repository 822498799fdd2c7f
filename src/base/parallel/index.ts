/** Ranks that compute together, under MPI or as threads. Knows nothing of training. */
export type { Communicator } from './communicator.ts';
export { type Launch, launchOf } from './launch.ts';
export { MpiRanks } from './mpiRanks.ts';
export { isEndOfRanks, type SharedRanks, sharedRanks, ThreadRanks } from './threadRanks.ts';
