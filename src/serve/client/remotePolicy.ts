import { InputError, ValetError } from '../../base/index.ts';
import {
  CHALLENGE_ROBOT,
  type Observation,
  type PlanRecord,
  type Policy,
  type PolicyNote,
  type Robot,
} from '../../robot/index.ts';
import {
  ASK_FOR_NOTE,
  actionFromWire,
  askForChunk,
  chunkFromWire,
  inferMsOf,
  noteOf,
  packMessage,
  unpackMessage,
  type WireMap,
  type WireValue,
  writeObservation,
} from '../../wire/index.ts';
import { FrameSocket } from './frameSocket.ts';
import { type WaitOptions, waitForServer } from './waitForServer.ts';

export interface RemoteOptions {
  readonly apiKey?: string | undefined;
  /** How long to wait for a server that does not answer; 4.5 s when left out. */
  readonly healthTimeoutMs?: number | undefined;
  /** Told while a server is waited for. */
  readonly onWait?: WaitOptions['onWait'];
  /** Ends the waiting for a server, also for a reply of it. */
  readonly signal?: WaitOptions['signal'];
  /** How long the first message may take; the official client gives 10 s. */
  readonly firstTimeoutMs?: number;
  /** How long one reply may take; the official client gives 600 s. */
  readonly replyTimeoutMs?: number;
  /** Whose observations are sent, under its own keys, and whose actions come back; the challenge's when left out. */
  readonly robot?: Robot;
  /**
   * Asks for the policy's note (stage, rule, compression) beside each action; servers that do not know it ignore the
   * wish.
   */
  readonly notes?: boolean;
  /** Seed of the session's plans; `seeded` tells whether the server goes by it. */
  readonly seed?: string | undefined;
  /**
   * Actions asked for at a time (1), as the evaluator of 2026 does (`__action_chunk_size__`): all of them are played
   * before the server is asked again. A reply without a chunk ends that for good; single actions follow.
   */
  readonly chunkSize?: number | undefined;
}

/** As the official client waits for the first message. */
const FIRST_MS = 10_000;

/** A reply without an action: the official client sends the same observation again, twice at most. */
const RESENDS = 2;

/**
 * A policy at the other end of a websocket: any server of the official wire (docs/facts.md#protocol). One connection is
 * one robot.
 */
export class RemotePolicy implements Policy {
  note: PolicyNote | undefined;
  plan: PlanRecord | undefined;
  readonly robot: Robot;
  private readonly notes: boolean;
  private readonly seed: string | undefined;
  private busy = false;
  /** Actions of the last reply that are still to be played. */
  private ahead: Float32Array[] = [];
  private chunkSize: number;
  queries = 0;

  private constructor(
    private readonly socket: FrameSocket,
    /** What the server said first. */
    readonly metadata: WireMap,
    { robot = CHALLENGE_ROBOT, notes = true, seed, chunkSize = 1 }: RemoteOptions,
  ) {
    this.robot = robot;
    this.notes = notes;
    this.seed = seed;
    this.chunkSize = chunkSize;
  }

  /** The server draws this session's noise from the seed that was asked for. */
  get seeded(): boolean {
    return this.seed !== undefined && this.metadata.get('seed') === this.seed;
  }

  get url(): string {
    return this.socket.url;
  }

  /**
   * Waits for the server's /healthz, connects and reads its metadata.
   * @throws InputError for an address that is none, UnreachableError when the server does not come up, refuses or stays
   * silent, ValetError when it breaks the protocol
   */
  static async connect(url: string, options: RemoteOptions = {}): Promise<RemotePolicy> {
    if (!URL.canParse(url) || !['ws:', 'wss:'].includes(new URL(url).protocol))
      throw new InputError('policy server', `"${url}" is no websocket address (expected ws://HOST:PORT or wss://…).`);
    const { healthTimeoutMs: waitMs, onWait, signal } = options;
    await waitForServer(url, { waitMs, onWait, signal });
    const socket = await FrameSocket.open(seededAddress(url, options.seed), options);
    try {
      const metadata = await read(socket, options.firstTimeoutMs ?? FIRST_MS);
      if (!(metadata instanceof Map)) throw new ValetError(url, 'the first message is no metadata map.');
      return new RemotePolicy(socket, metadata, options);
    } catch (error) {
      socket.terminate();
      throw error;
    }
  }

  async reset(): Promise<void> {
    this.note = undefined;
    this.plan = undefined;
    this.ahead = [];
    this.queries = 0;
    this.socket.send(packMessage({ reset: true }));
  }

  /**
   * @throws UnreachableError when the connection ends or nothing comes in time, ValetError when the server sends an
   * error or an unusable reply; the policy is then of no more use
   */
  async act(observation: Observation): Promise<Float32Array> {
    const { socket, robot, notes, chunkSize } = this;
    socket.check();
    if (this.busy)
      throw new ValetError(this.url, 'an observation is still waiting for its reply; one connection is one robot.');
    this.plan = undefined;
    const planned = this.ahead.shift();
    if (planned) return this.further(planned);
    this.busy = true;
    this.queries++;
    try {
      const asked = { ...(notes ? ASK_FOR_NOTE : {}), ...askForChunk(chunkSize) };
      const message = packMessage({ ...writeObservation(observation, robot), ...asked });
      for (let sent = 0; ; sent++) {
        socket.send(message);
        const reply = await read(socket);
        if (reply instanceof Map && !reply.has('action') && sent < RESENDS) continue;
        return this.understood(reply);
      }
    } catch (error) {
      // A reply that comes too late would be taken for the next one.
      socket.end((error as Error).message);
      socket.terminate();
      throw error;
    } finally {
      this.busy = false;
    }
  }

  /** What is wrong with a reply is the server's fault, not that of who reads it. */
  private understood(reply: WireValue): Float32Array {
    try {
      this.note = noteOf(reply);
      const ms = inferMsOf(reply);
      if (this.note?.planned && ms !== undefined) this.plan = { ms };
      const action = actionFromWire(reply, this.robot);
      const chunk = this.chunkSize > 1 ? chunkFromWire(reply, this.robot) : undefined;
      if (!chunk) this.chunkSize = 1;
      this.ahead = chunk?.slice(1) ?? [];
      return action;
    } catch (error) {
      throw new ValetError(this.url, `unusable reply of the server: ${(error as Error).message}`, 'failure', {
        cause: error,
      });
    }
  }

  /** An action of a chunk whose first one was played: nobody was asked, and the note says no more than the stage. */
  private further(action: Float32Array): Float32Array {
    if (this.note) {
      const { stage, compressed } = this.note;
      this.note = { planned: false, stage, ...(compressed !== undefined && { compressed }) };
    }
    return action;
  }

  close(): Promise<void> {
    return this.socket.close();
  }
}

/** The next message. @throws ValetError for a text frame, which is how servers tell errors, and for other bytes */
async function read(socket: FrameSocket, timeoutMs?: number): Promise<WireValue> {
  const { bytes, isBinary } = await socket.receive(timeoutMs);
  if (!isBinary)
    throw new ValetError(socket.url, `the server reports: ${bytes.toString('utf8').trim().slice(0, 2000)}`);
  try {
    return unpackMessage(bytes);
  } catch (error) {
    throw new ValetError(socket.url, `unreadable message of the server: ${(error as Error).message}`, 'failure', {
      cause: error,
    });
  }
}

/** The address that names the session's seed (docs/serving.md). */
function seededAddress(url: string, seed: string | undefined): string {
  if (seed === undefined) return url;
  const address = new URL(url);
  address.searchParams.set('seed', seed);
  return address.href;
}
