/** The policy server, its planners and checkpoints, recordings, and a client for any server of the official wire. */
export { type RemoteOptions, RemotePolicy, waitForServer } from './client/index.ts';
export { createLogger, type Logger } from './log.ts';
export {
  BatchingPlanner,
  batchSizes,
  type CheckpointMapping,
  CheckpointPool,
  CheckpointSwitcher,
  parseCheckpointMapping,
  planningWorkers,
  readCheckpointMapping,
} from './planners/index.ts';
export {
  listRecordings,
  openRecordings,
  REPLAY,
  type RecordedStep,
  recordedSteps,
  replaySession,
  SessionRecorder,
  SessionRecording,
  type SessionReplay,
} from './recording/index.ts';
export {
  DEFAULT_LIMITS,
  isLoopback,
  type Json,
  type MessageObserver,
  Metrics,
  PlanError,
  PolicyServer,
  parseOrigin,
  parsePrefix,
  type Responder,
  type ServerLimits,
  type ServerOptions,
  type SessionIdentity,
  startServer,
  type Tls,
} from './server/index.ts';
export {
  type PlanningSettings,
  parsePorts,
  type RunningServer,
  readKeyFile,
  readTlsFiles,
  type ServeOptions,
  type StartOptions,
  serveCheckpoint,
  serveRecordings,
} from './start/index.ts';
