import { RecordedSessions } from '../recording/index.ts';
import { type RunningServer, type StartOptions, startRunning } from './runningServer.ts';

/** Answers clients from recorded sessions, without a model. @throws InputError for a folder without recordings */
export function serveRecordings(folder: string, options: StartOptions = {}): Promise<RunningServer> {
  return startRunning(options, async () => {
    const recorded = await RecordedSessions.open(folder, options.logger);
    return { options: { responderFor: () => recorded.responder() }, close: () => recorded.close() };
  });
}
