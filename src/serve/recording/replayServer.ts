import { InputError } from '../../base/index.ts';
import { unpackMessage } from '../../wire/index.ts';
import type { Logger } from '../log.ts';
import type { Responder } from '../server/index.ts';
import { openRecordings, type SessionRecording } from './recordingReader.ts';
import { readScript, type Script } from './recordingScript.ts';
import { compareValues } from './replayCompare.ts';

interface Play {
  readonly recording: SessionRecording;
  readonly script: Script;
  /** How many connections it has answered. */
  uses: number;
}

/**
 * Answers clients from recorded sessions, without a model. A client gets the session whose messages are its own so far;
 * among several, the one used least, then the oldest. A client that sends anything else gets an error that says which
 * message departs, and in which key.
 */
export class RecordedSessions {
  private constructor(private readonly plays: readonly Play[]) {}

  /**
   * What cannot be read of a folder is passed over and logged.
   * @throws InputError for a path without a recording that can be read
   */
  static async open(path: string, logger?: Logger): Promise<RecordedSessions> {
    const plays: Play[] = [];
    const { recordings, unreadable } = await openRecordings(path);
    for (const reason of unreadable) logger?.warn({ reason }, 'a recording is passed over');
    for (const recording of recordings) {
      const { path: file, incomplete } = recording;
      if (incomplete !== undefined) logger?.warn({ file, reason: incomplete }, 'a recording is not whole');
      plays.push({ recording, script: await readScript(recording), uses: 0 });
    }
    if (plays.every(({ script }) => script.exchanges.length === 0))
      throw new InputError(path, 'holds no session with a message of a client.');
    return new RecordedSessions(plays);
  }

  /** What answers one connection. */
  async responder(): Promise<Responder> {
    const [first] = inOrder(this.plays);
    const greeting = first?.script.greeting && (await first.recording.payload(first.script.greeting));
    return new RecordedResponder(inOrder(this.plays), greeting);
  }

  async close(): Promise<void> {
    await Promise.all(this.plays.map(({ recording }) => recording.close()));
  }
}

const inOrder = (plays: readonly Play[]) => [...plays].sort((a, b) => a.uses - b.uses);

class RecordedResponder implements Responder {
  private step = 0;
  private claimed: Play | undefined;

  constructor(
    private candidates: readonly Play[],
    readonly greeting: Uint8Array | undefined,
  ) {}

  /** @throws InputError for a message that is not the recorded one, and beyond the end of the recording */
  async respond(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const fitting: Play[] = [];
    let departure: string | undefined;
    for (const play of this.candidates) {
      const why = await departs(play, this.step, bytes);
      if (why === undefined) fitting.push(play);
      else departure ??= why;
    }
    const [play] = fitting;
    const exchange = play?.script.exchanges[this.step];
    if (!play || !exchange)
      throw new InputError('replay', `message ${this.step} ${departure}. The recorded client did not send this.`);
    this.candidates = fitting;
    const { reply, answered } = exchange;
    this.step++;
    if (!answered) return undefined;
    if (this.claimed !== play) {
      this.claimed = play;
      play.uses++;
    }
    if (!reply) throw new InputError('replay', 'the recording ends before the reply to this message.');
    const recorded = await play.recording.payload(reply);
    if (reply.kind === 'sent') return recorded;
    throw recordedError(recorded.toString('utf8'));
  }
}

/** Why a message is not the play's at this step; undefined when it is. Maps may have their keys in another order. */
async function departs({ recording, script }: Play, step: number, bytes: Uint8Array): Promise<string | undefined> {
  const exchange = script.exchanges[step];
  if (!exchange) return `comes after the recording's end (${script.exchanges.length} messages)`;
  const recorded = await recording.payload(exchange.message);
  if (Buffer.compare(recorded, bytes) === 0) return undefined;
  if (exchange.message.kind !== 'received') return 'was a text frame when recorded';
  const now = unpackMessage(bytes, { exactFloats: true });
  const { maxDifference, difference } = compareValues(unpackMessage(recorded, { exactFloats: true }), now);
  if (difference !== undefined) return `departs from the recording: ${difference}`;
  return maxDifference > 0 ? `departs from the recording: numbers differ by up to ${maxDifference}` : undefined;
}

/** The error that the recorded server told, to be told again with an id of its own. */
function recordedError(text: string): InputError {
  const [, where = 'replay', what = text] = /^(?:error [0-9a-f]+: )?([^:]{1,80}): (.+)$/s.exec(text) ?? [];
  return new InputError(where, what);
}
