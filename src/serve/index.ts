/** The official evaluator's wire: messages of msgpack and numpy, the policy server, and a client for any such server. */
export { checkExposure } from './access.ts';
export { BatchingPlanner } from './batch.ts';
export { type CheckpointMapping, CheckpointSwitcher, parseCheckpointMapping } from './checkpointMapping.ts';
export { type RemoteOptions, RemotePolicy } from './client.ts';
export { describeValue } from './describe.ts';
export { createLogger, type Logger } from './log.ts';
export {
  actionFromWire,
  decodeJpegs,
  type ObservationMessage,
  observationFromWire,
  observationToWire,
} from './observation.ts';
export { packMessage } from './pack.ts';
export { listRecordings, type RecordedEvent, Recording } from './recordingReader.ts';
export { Recorder, type RecorderOptions } from './recordingWriter.ts';
export { type ReplayOptions, replaySession, type SessionReplay } from './replay.ts';
export { RecordedSessions } from './replayServer.ts';
export { checkpointFolder, type Routes, readRoutes, route } from './routes.ts';
export { type Json, PolicyServer, type ServerLimits, type ServerOptions, startServer } from './server.ts';
export { type UnpackLimits, unpackMessage } from './unpack.ts';
export { Extension, Float, NumpyArray, NumpyScalar, type Packable, type WireMap, type WireValue } from './value.ts';
