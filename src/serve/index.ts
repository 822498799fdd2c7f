/** The official evaluator's wire: messages of msgpack and numpy, the policy server, and a client for any such server. */
export { checkExposure, isLoopback } from './access.ts';
export { type BatchingOptions, BatchingPlanner, BusyError, type Urgency, type UrgentPlanner } from './batch.ts';
export { checkpointFolder } from './checkpointFolder.ts';
export {
  type CheckpointMapping,
  CheckpointSwitcher,
  folderOfTask,
  parseCheckpointMapping,
  ranges,
  readCheckpointMapping,
} from './checkpointMapping.ts';
export {
  CheckpointPool,
  type CheckpointPoolOptions,
  type LoadCheckpoint,
  type LoadedCheckpoint,
} from './checkpointPool.ts';
export { type RemoteOptions, RemotePolicy } from './client.ts';
export { describeValue } from './describe.ts';
export { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
export type { Tls } from './listen.ts';
export { createLogger, type Logger } from './log.ts';
export { defaultMemory, parseBytes } from './memorySize.ts';
export { Metrics } from './metrics.ts';
export {
  actionFromWire,
  decodeJpegs,
  decodePictures,
  type ObservationMessage,
  observationFromWire,
  observationToWire,
} from './observation.ts';
export { packMessage } from './pack.ts';
export { batchSizes, type PlanningOptions, planningWorkers } from './planningWorkers.ts';
export { listRecordings, type RecordedEvent, Recording } from './recordingReader.ts';
export { Recorder, type RecorderOptions } from './recordingWriter.ts';
export { type ReplayOptions, replaySession, type SessionReplay } from './replay.ts';
export { RecordedSessions } from './replayServer.ts';
export {
  type Json,
  PolicyServer,
  type ServerOptions,
  type SessionIdentity,
  startServer,
  tryPlanner,
} from './server.ts';
export { type MortalPlanner, SupervisedPlanner, type SupervisionOptions } from './supervisedPlanner.ts';
export type { MessageTap, Responder } from './tap.ts';
export { taskStages } from './taskStages.ts';
export { type UnpackLimits, unpackMessage } from './unpack.ts';
export { Extension, Float, NumpyArray, NumpyScalar, type Packable, type WireMap, type WireValue } from './value.ts';
