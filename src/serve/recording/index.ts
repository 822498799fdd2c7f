export { listRecordings, Recording } from './recordingReader.ts';
export { Recorder } from './recordingWriter.ts';
export { replaySession, type SessionReplay } from './replay.ts';
export { RecordedSessions } from './replayServer.ts';
