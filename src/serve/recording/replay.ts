import { FrameSocket } from '../client/index.ts';
import type { SessionRecording } from './recordingReader.ts';
import { type Exchange, readScript } from './recordingScript.ts';
import { compareReplies, type ReplyFrame } from './replayCompare.ts';

export interface ReplayOptions {
  readonly apiKey?: string;
  /** Send each message when the recorded client sent it; else as soon as the reply before it is there. */
  readonly asRecorded?: boolean;
  /** The official client gives a query 600 s. */
  readonly replyTimeoutMs?: number;
  /** After each reply. */
  readonly onReply?: (done: number, of: number) => void;
}

/** What came of one session's replay. Steps count the messages that have a reply, from 0. */
export interface SessionReplay {
  readonly session: string;
  readonly file: string;
  /** Replies in the recording, and how many of them could be compared. */
  readonly steps: number;
  readonly compared: number;
  /** The largest absolute difference of a number in a reply. */
  readonly maxDifference: number;
  /** The first step whose reply is not the recorded one, number for number. */
  readonly firstDifferingStep: number | null;
  /** Differences that are no number's, and why the replay ended early; the first few. */
  readonly differences: readonly string[];
  /** Why the recording itself is not whole. */
  readonly incomplete: string | null;
  /** Message to reply in milliseconds: median and 99th percentile, when recorded and now. */
  readonly recordedMs: Percentiles | null;
  readonly ms: Percentiles | null;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

const MOST_DIFFERENCES = 10;
/** Key of the address by which a server's recording tells that a session was a replay, and of which. */
export const REPLAY = 'replay';

/**
 * Sends a recorded session's messages to a server again and compares its replies with the recorded ones.
 * @throws ValetError when the server cannot be reached
 */
export async function replaySession(
  url: string,
  recording: SessionRecording,
  options: ReplayOptions = {},
): Promise<SessionReplay> {
  const { exchanges } = await readScript(recording);
  const steps = exchanges.filter(({ reply }) => reply).length;
  const differences: string[] = [];
  const [before, now]: [number[], number[]] = [[], []];
  let [compared, maxDifference] = [0, 0];
  let firstDifferingStep: number | null = null;
  const differs = (step: number, what?: string) => {
    firstDifferingStep ??= step;
    if (what !== undefined && differences.length < MOST_DIFFERENCES) differences.push(`step ${step}: ${what}`);
  };

  const socket = await FrameSocket.open(withQuery(url, { ...recording.query, [REPLAY]: recording.session }), options);
  try {
    await socket.receive(); // the metadata
    const began = performance.now() - (exchanges[0]?.message.ms ?? 0);
    for (const exchange of exchanges) {
      if (options.asRecorded) await sleep(began + exchange.message.ms - performance.now());
      const frame = await send(socket, recording, exchange);
      if (!exchange.reply || !frame) continue;
      before.push(exchange.reply.ms - exchange.message.ms);
      now.push(frame.ms);
      const recorded = { bytes: await recording.payload(exchange.reply), isBinary: exchange.reply.kind === 'sent' };
      const comparison = compareReplies(recorded, frame);
      maxDifference = Math.max(maxDifference, comparison.maxDifference);
      if (comparison.maxDifference > 0 || comparison.difference !== undefined) differs(compared, comparison.difference);
      compared++;
      options.onReply?.(compared, steps);
    }
  } catch (error) {
    // The server ended the connection, or is silent: what was compared so far still counts.
    differs(compared, (error as Error).message);
  } finally {
    void socket.close();
  }
  return {
    session: recording.session,
    file: recording.path,
    steps,
    compared,
    maxDifference,
    firstDifferingStep,
    differences,
    incomplete: recording.incomplete ?? null,
    recordedMs: percentiles(before),
    ms: percentiles(now),
  };
}

/** Sends one message and, where the wire knows an answer, waits for it. */
async function send(
  socket: FrameSocket,
  recording: SessionRecording,
  { message, answered }: Exchange,
): Promise<(ReplyFrame & { ms: number }) | undefined> {
  const bytes = await recording.payload(message);
  const started = performance.now();
  socket.send(bytes, message.kind === 'received');
  if (!answered) return undefined;
  const frame = await socket.receive();
  return { ...frame, ms: performance.now() - started };
}

function withQuery(url: string, query: Readonly<Record<string, string>>): string {
  const full = new URL(url);
  for (const [key, value] of Object.entries(query)) if (key !== 'received') full.searchParams.set(key, value);
  return full.href;
}

function percentiles(values: readonly number[]): Percentiles | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(3));
  return { p50: at(0.5), p99: at(0.99) };
}

const sleep = (ms: number) => (ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined);
