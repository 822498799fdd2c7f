export type { PlanningSettings } from './checkpointSource.ts';
export { readKeyFile, readTlsFiles } from './credentials.ts';
export { parsePorts } from './ports.ts';
export type { RunningServer, StartOptions } from './runningServer.ts';
export { type ServeOptions, serveCheckpoint } from './serveCheckpoint.ts';
export { serveRecordings } from './serveRecordings.ts';
