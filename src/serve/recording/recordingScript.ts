import { unpackMessage } from '../../wire/index.ts';
import type { RecordedEvent, SessionRecording } from './recordingReader.ts';

/** One message of the client and what came of it. */
export interface Exchange {
  readonly message: RecordedEvent;
  /** The server's reply, an error as a text frame included; undefined where none was recorded. */
  readonly reply?: RecordedEvent;
  /** Whether the wire has an answer to the message at all: a reset has none. */
  readonly answered: boolean;
}

/** A recorded session as a play: what the server says first, then message and reply in turn. */
export interface Script {
  readonly greeting?: RecordedEvent;
  readonly exchanges: readonly Exchange[];
}

/**
 * Tells which reply belongs to which message. Messages are answered in order, so that only several of them in a row
 * before one reply leave a doubt; then those that hold a reset are known by reading them. A session that was resumed on
 * further connections is one play.
 */
export async function readScript(recording: SessionRecording): Promise<Script> {
  const exchanges: { message: RecordedEvent; reply?: RecordedEvent; answered: boolean }[] = [];
  let greeting: RecordedEvent | undefined;
  let greeted = true;
  let open: (typeof exchanges)[number][] = [];
  let isFirst = false;
  for (const event of recording.events) {
    if (event.kind === 'open') {
      greeted = false;
      isFirst = true;
    }
    if (event.kind === 'open' || event.kind === 'close') {
      // Whatever was under way was lost with the connection.
      for (const exchange of open) exchange.answered = !(await isReset(recording, exchange.message));
      open = [];
    } else if (event.kind === 'received' || event.kind === 'received text') {
      // After a lost connection the client sends its last message again, and gets the same reply: one exchange.
      const before = exchanges.at(-1);
      if (isFirst && before && (await isSame(recording, before.message, event))) exchanges.pop();
      isFirst = false;
      const exchange = { message: event, answered: true };
      exchanges.push(exchange);
      open.push(exchange);
    } else if (!greeted) {
      greeting ??= event;
      greeted = true;
    } else {
      let first = open.shift();
      while (first && open.length > 0 && (await isReset(recording, first.message))) {
        first.answered = false;
        first = open.shift();
      }
      if (first) first.reply = event;
    }
  }
  for (const exchange of open) exchange.answered = !(await isReset(recording, exchange.message));
  return { ...(greeting && { greeting }), exchanges };
}

async function isSame(recording: SessionRecording, a: RecordedEvent, b: RecordedEvent): Promise<boolean> {
  return a.nbytes === b.nbytes && (await recording.payload(a)).equals(await recording.payload(b));
}

async function isReset(recording: SessionRecording, message: RecordedEvent): Promise<boolean> {
  if (message.kind !== 'received') return false;
  try {
    const value = unpackMessage(await recording.payload(message));
    return value instanceof Map && value.has('reset');
  } catch {
    return false;
  }
}
