import { NumpyArray, unpackMessage } from '../../wire/index.ts';
import { GOLDEN_ROBOT } from '../goldenRobot.ts';

/** One line of a recorded session: an HTTP head with its body, or a websocket frame. */
export interface Entry {
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
export interface RecordedExchange {
  readonly message: Entry;
  reply?: Entry;
}

export const [TEXT, BINARY, CLOSE] = [1, 2, 8];

/** The action's numbers. */
export const WIDTH = GOLDEN_ROBOT.width;

/**
 * Which reply belongs to which message: they are in order, and where several messages come before one reply, resets
 * among them have none.
 */
export function pairUp(entries: readonly Entry[], bytes: (entry: Entry) => Buffer): Map<Entry, RecordedExchange> {
  const exchanges = new Map<Entry, RecordedExchange>();
  const waiting = new Map<number, RecordedExchange[]>();
  const greeted = new Set<number>();
  for (const entry of entries) {
    const { connection, from, kind, opcode } = entry;
    if (kind !== 'frame' || opcode === CLOSE) continue;
    const open = waiting.get(connection) ?? [];
    waiting.set(connection, open);
    if (from === 'client') {
      const exchange: RecordedExchange = { message: entry };
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

export function tryUnpack(bytes: Uint8Array) {
  try {
    return unpackMessage(bytes, { exactFloats: true });
  } catch {
    return undefined;
  }
}

/** The actions of a reply, [K, width], when it is one that a robot's session can give. */
export function actionsOf(reply: Uint8Array): Float32Array | undefined {
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

/**
 * The number of actions in every reply, when all replies that a robot can give have the same; undefined when there is
 * none.
 */
export function chunkOf(exchanges: readonly RecordedExchange[], bytes: (entry: Entry) => Buffer): number | undefined {
  const sizes = exchanges.flatMap(({ reply }) => {
    const actions = reply && reply.opcode === BINARY ? actionsOf(bytes(reply)) : undefined;
    return actions ? [actions.length / WIDTH] : [];
  });
  return sizes.length > 0 && sizes.every((size) => size === sizes[0]) ? sizes[0] : undefined;
}

export function describeEntry({ kind, opcode, first_line, nbytes }: Entry): string {
  return kind === 'http' ? first_line! : `a frame of type ${opcode}, ${nbytes} bytes`;
}
