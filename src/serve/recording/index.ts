export { type RecordedStep, recordedSteps } from './recordedSteps.ts';
export { listRecordings, openRecordings, SessionRecording } from './recordingReader.ts';
export { REPLAY, replaySession, type SessionReplay } from './replay.ts';
export { RecordedSessions } from './replayServer.ts';
export { SessionRecorder } from './sessionRecorder.ts';
