import { dirname, join } from 'node:path';
import { InputError } from '../../base/index.ts';
import { type Observation, type Planner, type PlanRequest, type Prediction, stateOf } from '../../robot/index.ts';
import { type Responder, startServer } from '../../serve/index.ts';
import {
  Float,
  NumpyArray,
  observationFromWire,
  type Packable,
  packMessage,
  unpackMessage,
  type WireMap,
} from '../../wire/index.ts';
import { compareExactly, type Outcome } from '../compare.ts';
import type { GoldenCase } from '../goldenCase.ts';
import { GOLDEN_ROBOT } from '../goldenRobot.ts';
import { WireClient, type WireFrame } from './wireClient.ts';

/** One line of a recorded session: an HTTP head with its body, or a websocket frame. */
interface Entry {
  readonly n: number;
  readonly connection: number;
  readonly from: 'client' | 'server';
  readonly kind: 'http' | 'frame';
  readonly first_line?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly fin?: number;
  readonly rsv?: number;
  readonly opcode?: number;
  readonly masked?: number;
  readonly file?: string;
  readonly offset?: number;
  readonly nbytes?: number;
  readonly close_code?: number;
}

/** A message of the client, and what the recorded server made of it: a reply, an error, or nothing. */
interface Exchange {
  readonly message: Entry;
  reply?: Entry;
}

const [TEXT, BINARY, CLOSE] = [1, 2, 8];
/** The action's numbers. */
const WIDTH = 23;

type Pair = { what: string; got: unknown; expected: unknown };

/**
 * Replays a recorded session against a real server on a loopback port, frame by frame: HTTP answers, the handshake, the metadata, every reply to the
 * byte (but for the times in `server_timing`, whose form is compared), what is not answered, errors and closes. What the policy says is what the
 * recording says. Where the session is one that a robot's own session can play (actions of 23 numbers for observations of one robot), it is played a
 * second time by the real session with a planner that plans the recorded actions.
 */
export async function replayRecordedSession(golden: GoldenCase, file: string): Promise<Outcome> {
  const session = await RecordedSession.read(golden, file);
  const pairs = await session.play('any policy');
  if (session.chunk !== undefined) pairs.push(...(await session.play('a robot')));
  return compareExactly(pairs);
}

class RecordedSession {
  private constructor(
    private readonly entries: readonly Entry[],
    private readonly bytes: (entry: Entry) => Buffer,
    private readonly exchanges: ReadonlyMap<Entry, Exchange>,
    /** Actions in each reply where a robot's session can play this one. */
    readonly chunk: number | undefined,
  ) {}

  static async read(golden: GoldenCase, file: string): Promise<RecordedSession> {
    const text = Buffer.from(await golden.bytes(file)).toString('utf8');
    const entries = text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as Entry);
    const files = new Map<string, Buffer>();
    for (const entry of entries)
      if (entry.file !== undefined && !files.has(entry.file))
        files.set(entry.file, Buffer.from(await golden.bytes(join(dirname(file), entry.file))));
    const bytes = ({ file: name, offset = 0, nbytes = 0 }: Entry) => {
      const part = name === undefined ? Buffer.alloc(0) : files.get(name)!.subarray(offset, offset + nbytes);
      if (part.length !== nbytes) throw new InputError(file, `the recording's bytes end before ${offset + nbytes}.`);
      return part;
    };
    const exchanges = pairUp(entries, bytes);
    return new RecordedSession(entries, bytes, exchanges, chunkOf([...exchanges.values()], bytes));
  }

  async play(by: 'any policy' | 'a robot'): Promise<Pair[]> {
    const stage = new Stage(this.exchanges, this.bytes);
    const greetings = this.entries.filter(({ from, opcode }) => from === 'server' && opcode === BINARY);
    const greeting = (connection: number) => greetings.find((entry) => entry.connection === connection);
    const upgrades = this.entries.filter(({ from, first_line }) => from === 'server' && first_line?.includes(' 101 '));
    const firstGreeting = greetings[0] && unpackMessage(this.bytes(greetings[0]), { exactFloats: true });
    let connected = 0;
    const server = await startServer(
      by === 'a robot'
        ? {
            plannerFor: () => stage,
            sessionOptions: {
              executeActions: this.chunk!,
              executeSteps: this.chunk!,
              keepActions: 0,
              compress: false,
              rules: false,
              taskNumStages: stage.taskNumStages,
            },
            // Json, but for its floats.
            metadata: Object.fromEntries((firstGreeting as WireMap) ?? []) as never,
          }
        : {
            responderFor: () => {
              const connection = upgrades[connected++]?.connection ?? -1;
              const entry = greeting(connection);
              return stage.responder(connection, entry && this.bytes(entry));
            },
          },
    );
    const clients = new Map<number, WireClient>();
    const pairs: Pair[] = [];
    const over = new Set<number>();
    try {
      await server.ready;
      for (const entry of this.entries) {
        if (over.has(entry.connection)) continue;
        const what = `${by === 'a robot' ? 'played by a robot, ' : ''}entry ${entry.n}`;
        try {
          if (by === 'a robot' && !stage.canPlay(entry)) {
            over.add(entry.connection);
            continue;
          }
          const client = clients.get(entry.connection) ?? (await WireClient.open(server.port));
          clients.set(entry.connection, client);
          if (entry.from === 'client') this.send(client, entry, server.port, stage);
          else pairs.push(...(await this.receive(client, entry, what)));
        } catch (error) {
          pairs.push({ what, got: (error as Error).message, expected: `as recorded (${describe(entry)})` });
          over.add(entry.connection);
        }
      }
      for (const [connection, client] of clients)
        if (!over.has(connection))
          pairs.push({
            what: `more from the server on connection ${connection}`,
            got: client.hasMore,
            expected: false,
          });
    } finally {
      for (const client of clients.values()) client.close();
      await server.close();
    }
    return pairs;
  }

  private send(client: WireClient, entry: Entry, port: number, stage: Stage): void {
    if (entry.kind === 'http') {
      const headers = Object.fromEntries(
        Object.entries(entry.headers ?? {}).filter(([, value]) => value !== '(removed)'),
      );
      client.request(entry.first_line!, { host: `127.0.0.1:${port}`, ...headers }, entry.body ?? '');
      return;
    }
    const exchange = this.exchanges.get(entry);
    if (exchange) stage.expect(exchange);
    client.frame(entry.opcode!, this.bytes(entry));
  }

  private async receive(client: WireClient, entry: Entry, what: string): Promise<Pair[]> {
    if (entry.kind === 'http') {
      const answer = await client.answer();
      const status = (line = '') => line.split(' ').slice(0, 2).join(' ');
      const pairs: Pair[] = [{ what, got: status(answer.firstLine), expected: status(entry.first_line) }];
      // What a refusal says is each server's own; that of a success is not.
      const good = /^HTTP\/1\.1 [12]/.test(entry.first_line ?? '');
      const names = ['content-type', ...(good ? ['content-length', 'upgrade', 'sec-websocket-accept'] : [])];
      for (const name of names.filter((each) => entry.headers?.[each] !== undefined)) {
        const fold = (text = '') => (name === 'upgrade' ? text.toLowerCase() : text);
        pairs.push({ what: `${what}, ${name}`, got: fold(answer.headers[name]), expected: fold(entry.headers![name]) });
      }
      const extensions = 'sec-websocket-extensions';
      pairs.push({
        what: `${what}, ${extensions}`,
        got: answer.headers[extensions],
        expected: entry.headers?.[extensions],
      });
      if (good) pairs.push({ what: `${what}, body`, got: answer.body, expected: entry.body ?? '' });
      return pairs;
    }
    const frame = await client.nextFrame();
    const head = ({ fin, rsv, opcode, masked }: Partial<WireFrame>) => ({ fin, rsv, opcode, masked });
    const pairs: Pair[] = [{ what, got: head(frame), expected: head(entry) }];
    if (frame.opcode !== entry.opcode) {
      pairs.push({
        what: `${what}, payload`,
        got: frame.payload.toString('latin1').slice(0, 200),
        expected: describe(entry),
      });
      return pairs;
    }
    if (entry.opcode === CLOSE) {
      const code = frame.payload.length < 2 ? undefined : frame.payload.readUInt16BE(0);
      pairs.push({ what: `${what}, close code`, got: code, expected: entry.close_code });
    } else if (entry.opcode === TEXT) {
      // The recorded server shows its traceback here; Valet says in one line what was wrong.
      const text = frame.payload.toString('utf8');
      pairs.push({ what: `${what}, an error in one line`, got: /^[^\n]{1,600}$/.test(text), expected: true });
    } else pairs.push(...compareReply(frame.payload, this.bytes(entry), what));
    return pairs;
  }
}

/** A binary frame against the recorded one, byte for byte, after the times in it have been replaced by the recorded ones. */
function compareReply(got: Uint8Array, expected: Uint8Array, what: string): Pair[] {
  if (Buffer.compare(got, expected) === 0) return [{ what, got: 'the same bytes', expected: 'the same bytes' }];
  const now = unpackMessage(got, { exactFloats: true });
  const recorded = unpackMessage(expected, { exactFloats: true });
  const timing = recorded instanceof Map ? recorded.get('server_timing') : undefined;
  if (!(now instanceof Map) || !(timing instanceof Map)) return [differing(what, got, expected)];
  const times = now.get('server_timing');
  const missing = [...timing].filter(([key, value]) => {
    const time = times instanceof Map ? times.get(key) : undefined;
    return !(time instanceof Float && value instanceof Float && time.value >= 0);
  });
  const names = missing.map(([key]) => String(key));
  now.set('server_timing', timing);
  return [
    { what: `${what}, times that are missing`, got: names, expected: [] },
    differing(what, packMessage(now), expected),
  ];
}

/** Both, from the first byte at which they differ. */
function differing(what: string, got: Uint8Array, expected: Uint8Array): Pair {
  const at = expected.findIndex((byte, i) => byte !== got[i]);
  const from = at < 0 ? expected.length : at;
  const part = (bytes: Uint8Array) =>
    `${bytes.length} bytes, from byte ${from} ${Buffer.from(bytes.subarray(from, from + 16)).toString('hex')}`;
  return { what, got: part(got), expected: part(expected) };
}

/** Which reply belongs to which message: they are in order, and where several messages come before one reply, resets among them have none. */
function pairUp(entries: readonly Entry[], bytes: (entry: Entry) => Buffer): Map<Entry, Exchange> {
  const exchanges = new Map<Entry, Exchange>();
  const waiting = new Map<number, Exchange[]>();
  const greeted = new Set<number>();
  for (const entry of entries) {
    const { connection, from, kind, opcode } = entry;
    if (kind !== 'frame' || opcode === CLOSE) continue;
    const open = waiting.get(connection) ?? [];
    waiting.set(connection, open);
    if (from === 'client') {
      const exchange: Exchange = { message: entry };
      exchanges.set(entry, exchange);
      open.push(exchange);
    } else if (!greeted.has(connection)) greeted.add(connection);
    else {
      while (open.length > 1 && isReset(bytes(open[0]!.message))) open.shift();
      const first = open.shift();
      if (first) first.reply = entry;
    }
  }
  return exchanges;
}

function isReset(bytes: Uint8Array): boolean {
  const value = tryUnpack(bytes);
  return value instanceof Map && value.has('reset');
}

function tryUnpack(bytes: Uint8Array) {
  try {
    return unpackMessage(bytes, { exactFloats: true });
  } catch {
    return undefined;
  }
}

/** The actions of a reply, [K, 23], when it is one that a robot's session can give. */
function actionsOf(reply: Uint8Array): Float32Array | undefined {
  const value = tryUnpack(reply);
  if (!(value instanceof Map)) return undefined;
  const known = ['action', 'action_chunk', 'server_timing'];
  const action = value.get('action');
  const chunk = value.get('action_chunk') ?? action;
  if (![...value.keys()].every((key) => known.includes(String(key)))) return undefined;
  if (!(action instanceof NumpyArray) || action.dtype !== '<f4' || action.size !== WIDTH) return undefined;
  if (!(chunk instanceof NumpyArray) || chunk.dtype !== '<f4' || chunk.size % WIDTH !== 0) return undefined;
  return chunk.float32();
}

/** The number of actions in every reply, when all replies that a robot can give have the same; undefined when there is none. */
function chunkOf(exchanges: readonly Exchange[], bytes: (entry: Entry) => Buffer): number | undefined {
  const sizes = exchanges.flatMap(({ reply }) => {
    const actions = reply && reply.opcode === BINARY ? actionsOf(bytes(reply)) : undefined;
    return actions ? [actions.length / WIDTH] : [];
  });
  return sizes.length > 0 && sizes.every((size) => size === sizes[0]) ? sizes[0] : undefined;
}

/** The scripted side: knows which message is on its way, and what the recorded server made of it. */
class Stage implements Planner {
  readonly imageSize = 8;
  readonly robot = GOLDEN_ROBOT;
  /** The challenge's tasks need not be the recording's. */
  readonly taskNumStages: readonly number[] = Array.from({ length: 1000 }, () => 15);
  /** Observations on their way to a robot's session, none of them planned for yet. */
  private readonly underWay: { readonly exchange: Exchange; readonly observation: Observation }[] = [];

  constructor(
    private readonly exchanges: ReadonlyMap<Entry, Exchange>,
    private readonly bytes: (entry: Entry) => Buffer,
  ) {}

  /** A policy that says what was said, with times of its own. */
  responder(connection: number, greeting: Uint8Array | undefined): Responder {
    const exchanges = [...this.exchanges.values()].filter(
      ({ message }) => message.connection === connection && message.opcode === BINARY,
    );
    let next = 0;
    let previous: number | undefined;
    return {
      ...(greeting && { greeting }),
      respond: () => {
        const started = performance.now();
        const reply = exchanges[next++]?.reply;
        if (!reply) return undefined;
        if (reply.opcode === TEXT) throw new InputError('policy', 'failed as recorded.');
        const value = unpackMessage(this.bytes(reply), { exactFloats: true });
        const timing = value instanceof Map ? value.get('server_timing') : undefined;
        if (timing instanceof Map) {
          const infer: [string, Packable] = ['infer_ms', new Float(performance.now() - started)];
          const total: [string, Packable][] = timing.has('prev_total_ms')
            ? [['prev_total_ms', new Float(previous ?? 0)]]
            : [];
          (value as Map<string, Packable>).set('server_timing', new Map([infer, ...total]) as never);
          previous = performance.now() - started;
        }
        return packMessage(value);
      },
    };
  }

  /** Whether a robot's session does with this entry what the recorded server did. */
  canPlay(entry: Entry): boolean {
    if (entry.kind !== 'frame' || entry.from !== 'client' || entry.opcode !== BINARY) return true;
    const reply = this.exchanges.get(entry)?.reply;
    const value = tryUnpack(this.bytes(entry));
    if (value instanceof Map && value.has('reset')) return reply === undefined;
    if (reply?.opcode === TEXT) return true;
    if (!reply || !actionsOf(this.bytes(reply)) || !(value instanceof Map)) return false;
    try {
      return observationFromWire(value).observation.taskId < this.taskNumStages.length;
    } catch {
      return false;
    }
  }

  /** Says that a message is about to be sent. */
  expect(exchange: Exchange): void {
    const value = tryUnpack(this.bytes(exchange.message));
    if (!(value instanceof Map) || value.has('reset')) return;
    try {
      this.underWay.push({ exchange, observation: observationFromWire(value).observation });
    } catch {
      // No robot's observation, so no plan is made for it.
    }
  }

  /** The recorded actions as the plan for the observation that was recorded with them. */
  async plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    return requests.map((request) => {
      const at = this.underWay.findIndex(({ observation }) => isFor(request, observation));
      const reply = at < 0 ? undefined : this.underWay.splice(at, 1)[0]!.exchange.reply;
      if (reply?.opcode === TEXT) throw new InputError('planner', 'failed as recorded.');
      const actions = Float64Array.from((reply && actionsOf(this.bytes(reply))) ?? new Float32Array(WIDTH * 64));
      return { actions, horizon: actions.length / WIDTH, stageLogits: new Float32Array(15) };
    });
  }

  async close(): Promise<void> {}
}

function isFor({ taskId, state }: PlanRequest, { taskId: task, proprioception }: Observation): boolean {
  const recorded = stateOf(GOLDEN_ROBOT, proprioception);
  return (task === -1 || task === taskId) && recorded.every((value, i) => Object.is(value, state[i]));
}

function describe({ kind, opcode, first_line, nbytes }: Entry): string {
  return kind === 'http' ? first_line! : `a frame of type ${opcode}, ${nbytes} bytes`;
}
