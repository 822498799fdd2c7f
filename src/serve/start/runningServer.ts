import { createLogger } from '../log.ts';
import { SessionRecorder } from '../recording/index.ts';
import { checkExposure, type PolicyServer, requirePorts, type ServerOptions, startServer } from '../server/index.ts';

/** A server with all that was opened for it. */
export interface RunningServer {
  readonly server: PolicyServer;
  /** Ends the server gracefully, then everything behind it. */
  close(): Promise<void>;
}

/** Settings of a server, whatever answers. */
export interface StartOptions
  extends Omit<
    ServerOptions,
    'plannerFor' | 'policyFor' | 'responderFor' | 'robot' | 'isUp' | 'metadata' | 'probeTask' | 'observer'
  > {
  /** A folder in which what comes and goes is stored, a file per session. */
  readonly record?: string | undefined;
}

/** What answers, opened; `close` ends it. */
export interface OpenedSource {
  readonly options: Partial<ServerOptions>;
  close(): Promise<unknown>;
}

/**
 * Opens the recording, what answers, and the server, in this order; when one of them fails, those before it are closed.
 */
export async function startRunning(
  { record, ...options }: StartOptions,
  openSource: (running: { robots: () => number }) => Promise<OpenedSource>,
): Promise<RunningServer> {
  const { host = '127.0.0.1', apiKey, open = false, logger = createLogger('silent') } = options;
  // Before anything is loaded: a mistake is told at once.
  checkExposure(host, apiKey, open);
  await requirePorts(host, portsOf(options), options.tls);
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    let server: PolicyServer | undefined;
    const onLost = (what: string) => server?.metrics.recordingLost.inc({ what });
    const recorder = record === undefined ? undefined : await SessionRecorder.open(record, { logger, onLost });
    if (recorder) closers.push(() => recorder.close());
    const source = await openSource({ robots: () => server?.robots ?? 1 });
    closers.push(() => source.close());
    server = await startServer({ ...options, ...source.options, ...(recorder && { observer: recorder }) });
    const started = server;
    closers.push(() => started.close());
    return { server, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const portsOf = ({ port = 0 }: Pick<ServerOptions, 'port'>): readonly number[] =>
  typeof port === 'number' ? [port] : port;
