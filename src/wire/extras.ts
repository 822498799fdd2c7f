import type { PolicyNote } from '../robot/index.ts';
import { NumpyArray, NumpyScalar } from './numpy.ts';
import { Float, type Packable, type WireMap, type WireValue } from './value.ts';

/** What is known when a reply is written; what an extra tells is made from it. */
export interface ReplyFacts {
  /** float32 [width], or [robots, width] where the observation came with a leading axis. */
  readonly action: Float32Array;
  /** Extent of that leading axis; absent where there was none. */
  readonly robots?: number | undefined;
  /**
   * float32 [steps, width] of each robot, the first step equal to its `action`: as many steps as were asked for; absent
   * when they could not be filled.
   */
  readonly chunk?: Float32Array | undefined;
  /** What each robot's policy says about its step. */
  readonly notes?: readonly (PolicyNote | undefined)[] | undefined;
  readonly inferMs: number;
  /** Milliseconds from the reply before the last to the last one. */
  readonly previousTotalMs?: number | undefined;
}

/**
 * One thing beside the action: which keys of a request ask for it, and what a reply then holds. A row without `request`
 * is in every reply. Clients and servers that do not know a key pass over it. A new extra is a row of `EXTRAS`; nothing
 * else changes.
 */
export interface WireExtra<T = unknown> {
  readonly name: string;
  readonly request?: {
    readonly keys: readonly string[];
    /** What is asked for, from the keys' values in their order (undefined where absent); undefined when nothing is. */
    readonly read: (...values: (WireValue | undefined)[]) => T | undefined;
  };
  /** How many actions must be ready for it. */
  readonly actions?: (asked: T) => number;
  readonly reply: {
    readonly key: string;
    /** The value for the reply; undefined leaves the key out. */
    readonly write: (facts: ReplyFacts, asked: T) => Packable | undefined;
  };
}

/** What a client asked for, by the extra's name. */
export type Asked = ReadonlyMap<string, unknown>;

/** A row that knows what its `read` gives. */
export const extra = <T>(row: WireExtra<T>): WireExtra => row as unknown as WireExtra;

/** The most actions that one reply may carry. */
const MOST_ACTIONS = 1000;

const CHUNK = extra<number>({
  name: 'chunk',
  /** Of the 2026 evaluator's client. */
  request: {
    keys: ['__action_chunk_size__'],
    read: (value) => {
      const size = value instanceof NumpyScalar ? Number(value.value) : value;
      const fits = typeof size === 'number' && Number.isInteger(size) && size > 1 && size <= MOST_ACTIONS;
      return fits ? size : undefined;
    },
  },
  actions: (size) => size,
  reply: {
    key: 'action_chunk',
    write: ({ chunk, action, robots }) =>
      chunk && NumpyArray.of(chunk, [...lead(robots), chunk.length / action.length, actionWidth(action, robots)]),
  },
});

/** Stage, rule and compression of the step, for records; asked for by Valet's own client. A list for several robots. */
const NOTE = extra<true>({
  name: 'note',
  request: { keys: ['__policy_note__'], read: (value) => (value === true ? true : undefined) },
  reply: {
    key: 'policy_note',
    write: ({ notes = [], robots = 1 }) => {
      const [first] = notes;
      return robots > 1 ? notes.map((note) => (note ? { ...note } : null)) : first && { ...first };
    },
  },
});

const TIMING = extra({
  name: 'timing',
  reply: {
    key: 'server_timing',
    write: ({ inferMs, previousTotalMs }) => ({
      infer_ms: new Float(inferMs),
      ...(previousTotalMs === undefined ? {} : { prev_total_ms: new Float(previousTotalMs) }),
    }),
  },
});

/** All extras, in the order of their keys in a reply. */
export const EXTRAS: readonly WireExtra[] = [CHUNK, NOTE, TIMING];

/** What a message asks for. */
export function readExtras(message: WireMap, extras: readonly WireExtra[] = EXTRAS): Asked {
  const asked = new Map<string, unknown>();
  for (const { name, request } of extras) {
    if (!request?.keys.some((key) => message.has(key))) continue;
    const value = request.read(...request.keys.map((key) => message.get(key)));
    if (value !== undefined) asked.set(name, value);
  }
  return asked;
}

/** The keys that a reply holds beside its action. */
export function writeExtras(
  facts: ReplyFacts,
  asked: Asked,
  extras: readonly WireExtra[] = EXTRAS,
): { [key: string]: Packable } {
  const reply: { [key: string]: Packable } = {};
  for (const { name, request, reply: row } of extras) {
    if (request && !asked.has(name)) continue;
    const value = row.write(facts, asked.get(name));
    if (value !== undefined) reply[row.key] = value;
  }
  return reply;
}

/** How many actions must be ready for what was asked; 1 for a plain step. */
export function actionsAsked(asked: Asked, extras: readonly WireExtra[] = EXTRAS): number {
  const counts = extras.map(({ name, actions }) => (actions && asked.has(name) ? actions(asked.get(name)) : 1));
  return Math.max(1, ...counts);
}

/** The leading axis of a reply's arrays, and the numbers of one robot's action. */
export const lead = (robots: number | undefined): readonly number[] => (robots === undefined ? [] : [robots]);
export const actionWidth = (action: Float32Array, robots = 1): number => action.length / robots;

/** What a client adds to its observation to be told the policy's note. */
export const ASK_FOR_NOTE = { __policy_note__: true } as const;

/** What a client adds to its observation to get so many actions at once; nothing for a single one. */
export const askForChunk = (size: number): { readonly [key: string]: number } =>
  size > 1 ? { __action_chunk_size__: size } : {};

/** Milliseconds that the server took for a reply; undefined when it does not tell. */
export function inferMsOf(reply: WireValue): number | undefined {
  const timing = reply instanceof Map ? reply.get('server_timing') : undefined;
  const ms = timing instanceof Map ? timing.get('infer_ms') : undefined;
  return typeof ms === 'number' ? ms : undefined;
}

/** The policy's note in a reply; undefined when there is none. */
export function noteOf(reply: WireValue): PolicyNote | undefined {
  const note = reply instanceof Map ? reply.get('policy_note') : undefined;
  if (!(note instanceof Map)) return undefined;
  const [rule, reason, compressed, predicted] = ['rule', 'reason', 'compressed', 'predicted'].map((key) =>
    note.get(key),
  );
  return {
    planned: note.get('planned') === true,
    stage: Number(note.get('stage') ?? 0) || 0,
    ...(typeof predicted === 'number' ? { predicted } : {}),
    ...(typeof rule === 'string' ? { rule } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof compressed === 'boolean' ? { compressed } : {}),
  };
}
