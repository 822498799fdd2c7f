/** The policy server, its planners and checkpoints, recordings, and a client for any server of the official wire. */
export { type RemoteOptions, RemotePolicy } from './client/index.ts';
export { createLogger, type Logger } from './log.ts';
export {
  type CheckpointMapping,
  CheckpointPool,
  CheckpointSwitcher,
  folderOfTask,
  parseCheckpointMapping,
  planningWorkers,
  ranges,
  readCheckpointMapping,
  taskStages,
} from './planners/index.ts';
export {
  listRecordings,
  RecordedSessions,
  Recorder,
  Recording,
  replaySession,
  type SessionReplay,
} from './recording/index.ts';
export {
  checkExposure,
  DEFAULT_LIMITS,
  isLoopback,
  type Json,
  Metrics,
  PolicyServer,
  type Responder,
  type ServerLimits,
  type ServerOptions,
  type SessionIdentity,
  startServer,
  tryPlanner,
} from './server/index.ts';
