import fc from 'fast-check';
import { WebSocket } from 'ws';
import { Random } from '../../src/base/index.ts';
import {
  Float,
  NumpyArray,
  NumpyScalar,
  type Packable,
  packMessage,
  unpackMessage,
  type WireMap,
} from '../../src/wire/index.ts';
import { Extension } from '../../src/wire/value.ts';
import { actionOf, fakeObservation, goldenBytes, goldenJson, wireObservation } from '../support/serve.ts';

/** For tests only: messages that no client should send, and a client that sends them. */

export interface FuzzReport {
  readonly sent: number;
  /** Replies with an action, errors as text frames, resets, connections that the server closed without a word. */
  readonly replies: number;
  readonly errors: number;
  readonly unanswered: number;
  readonly closed: number;
  /** What should not have happened. */
  readonly problems: readonly string[];
}

const CAMERA = 'robot_r1::robot_r1:zed_link:Camera:0::rgb';
const RESET = packMessage({ reset: true });

/** Golden messages, those that must be refused, and observations of both years: what is mutated. */
export function corpus(): Uint8Array[] {
  const golden = ['cases.json', 'reject.json'].flatMap((file) =>
    goldenJson<{ file: string; gzip: boolean; nbytes?: number }[]>(file).map((entry) => goldenBytes(entry)),
  );
  const observations = [256, 61].map((length) =>
    packMessage(wireObservation(fakeObservation({ length: length as 256 }))),
  );
  const jpeg = { ...wireObservation(fakeObservation()), [CAMERA]: Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]) };
  // Large ones would make the run a test of the network.
  return [...golden.filter((bytes) => bytes.length < 20_000), ...observations, packMessage(jpeg), RESET];
}

/**
 * One to eight changes of bytes: set, flipped, cut, inserted, repeated, spliced with another message, a length made
 * wrong.
 */
export function mutateBytes(random: Random, corpusOf: readonly Uint8Array[]): Uint8Array {
  const pick = () => corpusOf[random.integer(corpusOf.length)]!;
  let bytes = Buffer.from(pick());
  for (let change = 1 + random.integer(8); change > 0; change--) {
    const at = random.integer(bytes.length + 1);
    const some = 1 + random.integer(12);
    switch (random.integer(8)) {
      case 0:
        if (bytes.length > 0) bytes[at % bytes.length] = random.integer(256);
        break;
      case 1:
        if (bytes.length > 0) bytes[at % bytes.length]! ^= 1 << random.integer(8);
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), noise(random, some), bytes.subarray(at)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 40))]);
        break;
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, at), pick().subarray(random.integer(40))]);
        break;
      case 6:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from([0xc4 + random.integer(3), 255, 255, 255, 255]),
          bytes.subarray(at),
        ]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + some)]);
    }
  }
  return bytes.subarray(0, 65_536);
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.integer(256)));
}

const number = fc.oneof(fc.constantFrom(-1, 0, 1, 2 ** 31, 2 ** 53, 1e300), fc.integer(), fc.double());
const shape = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 5 });

const anything: fc.Arbitrary<Packable> = fc.letrec<{ node: Packable }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    number.map((value) => new Float(value)),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.uint8Array({ maxLength: 64 }),
    fc.tuple(fc.constantFrom('<f4', '|u1', '<i8', '<f8', '|b1', '<U2'), shape).map(([dtype, extents]) => {
      const size = 8 * extents.reduce((product, extent) => product * extent, 1);
      return new NumpyArray(dtype, extents, new Uint8Array(size));
    }),
    number.map((value) => new NumpyScalar('<f4', value)),
    fc
      .tuple(fc.integer({ min: 0, max: 127 }), fc.uint8Array({ maxLength: 9 }))
      .map(([type, data]) => new Extension(type, data)),
    fc.array(tie('node'), { maxLength: 6 }),
    fc.array(fc.tuple(fc.string({ unit: 'binary' }), tie('node')), { maxLength: 6 }).map((entries) => new Map(entries)),
  ),
})).node;

/**
 * What a client may get wrong in an observation: a key left out, renamed or doubled, a value of another type, shape or
 * dtype, odd extras.
 */
const structure: fc.Arbitrary<Uint8Array> = fc
  .record({
    length: fc.constantFrom<256 | 61>(256, 61),
    joint: fc.oneof(fc.double(), fc.constant(0.1)),
    task: fc.oneof(fc.integer({ min: -5, max: 60 }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    where: fc.nat(20),
    how: fc.constantFrom(
      'drop',
      'rename',
      'replace',
      'batch',
      'truncate',
      'extra',
      'bigEndian',
      'chunk',
      'reset',
      'keep',
    ),
    value: anything,
    name: fc.string({ unit: 'binary', maxLength: 100 }),
  })
  .map(({ length, joint, task, where, how, value, name }) => {
    const message = new Map<string, Packable>(Object.entries(wireObservation(fakeObservation({ length, joint }))));
    message.set('task_id', typeof task === 'bigint' ? NumpyArray.of(BigInt64Array.of(task)) : task);
    const keys = [...message.keys()];
    const key = keys[where % keys.length]!;
    const array = message.get(key);
    if (how === 'drop') message.delete(key);
    if (how === 'rename') message.set(name, message.get(key)!).delete(key);
    if (how === 'replace') message.set(key, value);
    if (how === 'extra') message.set(name, value);
    if (how === 'reset') message.set('reset', value);
    if (how === 'chunk') message.set('__action_chunk_size__', value);
    if (array instanceof NumpyArray) {
      const { dtype, shape: extents, bytes } = array;
      if (how === 'batch') message.set(key, new NumpyArray(dtype, [1, ...extents], bytes));
      if (how === 'truncate') message.set(key, new NumpyArray(dtype, [extents[0]! >> 1, ...extents.slice(1)], bytes));
      if (how === 'bigEndian') message.set(key, new NumpyArray(dtype.replace('<', '>'), extents, bytes));
    }
    return packMessage(new Map(message));
  });

/** An endless supply of messages, the same for the same seed: half mutated bytes, half wrong structures. */
export function* fuzzMessages(seed: string): Generator<Uint8Array | string> {
  const random = Random.of(`fuzz/${seed}`);
  const originals = corpus();
  for (;;) {
    const structures = fc.sample(structure, { numRuns: 500, seed: random.integer(2 ** 31) });
    for (const made of structures) {
      yield mutateBytes(random, originals);
      yield random.integer(100) === 0 ? Buffer.from(made).toString('latin1') : made;
    }
  }
}

/** Whether a message is one that the wire does not answer. */
function isReset(message: Uint8Array | string): boolean {
  if (typeof message === 'string') return false;
  try {
    const value = unpackMessage(message, { maxValues: 10_000, maxDepth: 32 });
    return value instanceof Map && value.has('reset');
  } catch {
    return false;
  }
}

/** What no reply may hold: places in the program or on the machine. */
const INTERNALS = [
  /node:internal|node_modules|file:\/\//,
  /\n\s+at /,
  /\.(?:ts|js|mjs):\d+/,
  /\/(?:home|root|usr|tmp|work|src|dist)\//,
  /(?:Type|Reference|Range|Syntax)Error/,
];

/**
 * Sends `count` messages over `connections` connections, each after the answer to the one before, and looks at every
 * answer.
 */
export async function fuzz(
  url: string,
  {
    count,
    seed,
    connections = 8,
    onSent,
  }: { count: number; seed: string; connections?: number; onSent?: (sent: number) => void },
): Promise<FuzzReport> {
  const messages = fuzzMessages(seed);
  const report = { sent: 0, replies: 0, errors: 0, unanswered: 0, closed: 0, problems: [] as string[] };
  const lately: string[] = [];
  const one = async (): Promise<void> => {
    let line: FuzzLine | undefined;
    while (report.sent < count && report.problems.length < 20) {
      const message = messages.next().value as Uint8Array | string;
      report.sent++;
      onSent?.(report.sent);
      try {
        line ??= await FuzzLine.open(url);
      } catch (error) {
        report.problems.push(`${(error as Error).message} (lately: ${lately.join(' ')})`);
        return;
      }
      lately.push(Buffer.from(message).toString('base64').slice(0, 4000));
      if (lately.length > connections) lately.shift();
      line.socket.send(message);
      if (isReset(message)) {
        report.unanswered++;
        continue;
      }
      const answer = await line.next();
      const shown = Buffer.from(message).toString('base64').slice(0, 400);
      if (answer === undefined) report.problems.push(`no answer to ${shown}`);
      else if (answer === 'closed') {
        report.closed++;
        line = undefined;
      } else if (typeof answer === 'string') {
        report.errors++;
        const told = typeof message === 'string' ? message : Buffer.from(message).toString('latin1');
        const found = INTERNALS.map((pattern) => pattern.exec(answer)?.[0]).find(
          (part) => part && !told.includes(part),
        );
        if (found !== undefined || !/^error [0-9a-f]{8}: /.test(answer) || answer.length > 700)
          report.problems.push(`"${answer}" in answer to ${shown}`);
        await line.end();
        line = undefined;
      } else if (isFine(answer)) report.replies++;
      else report.problems.push(`a reply without finite actions to ${shown}`);
    }
    await line?.end();
  };
  await Promise.all(Array.from({ length: connections }, one));
  return report;
}

function isFine(reply: Buffer): boolean {
  const value = unpackMessage(reply) as WireMap;
  const action = value instanceof Map ? value.get('action') : undefined;
  if (!(action instanceof NumpyArray) || action.size % 23 !== 0) return false;
  return action.size === 23 ? actionOf(value).length === 23 : action.float32().every(Number.isFinite);
}

class FuzzLine {
  private readonly frames: (Buffer | string)[] = [];
  private closed = false;
  private why = 'closed without a word';
  private wake: (() => void) | undefined;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data, isBinary) => {
      this.frames.push(isBinary ? (data as Buffer) : String(data));
      this.wake?.();
    });
    socket.on('error', (error) => (this.why = error.message));
    socket.on('close', () => {
      this.closed = true;
      this.wake?.();
    });
  }

  static async open(url: string): Promise<FuzzLine> {
    const line = new FuzzLine(new WebSocket(url, { perMessageDeflate: false }));
    const metadata = await line.next();
    if (!Buffer.isBuffer(metadata)) throw new Error(`the server lets nobody in: ${line.why}`);
    return line;
  }

  /** The next frame; undefined when none comes in time. */
  async next(): Promise<Buffer | string | 'closed' | undefined> {
    const end = performance.now() + 20_000;
    while (this.frames.length === 0 && !this.closed && performance.now() < end)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - performance.now());
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    return this.frames.shift() ?? (this.closed ? 'closed' : undefined);
  }

  async end(): Promise<void> {
    this.socket.close();
    while (!this.closed) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}
