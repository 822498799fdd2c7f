import { InputError, nearest } from '../base/index.ts';
import type { ProprioceptionLayout, Robot } from './robot.ts';

const { fround } = Math;

/** The layout of a vector, by its length. @throws InputError for a length that no layout has */
export function layoutOfLength(robot: Robot, length: number): ProprioceptionLayout {
  const { layouts } = robot.proprioception;
  const layout = layouts.find((candidate) => candidate.length === length);
  if (layout) return layout;
  const known = layouts.map((candidate) => `${candidate.length} (${candidate.name})`).join(' or ');
  throw new InputError('proprioception', `a vector of unknown length (got ${length}, expected ${known}).`);
}

/** Whether a vector of this length is the state itself: as long as an action, and no layout of proprioception. */
const isState = ({ width, proprioception: { layouts } }: Robot, length: number): boolean =>
  length === width && layouts.every((layout) => layout.length !== length);

/** Why no state can be made of vectors of this length; undefined when it can. */
export function stateProblem(robot: Robot, length: number): string | undefined {
  const { layouts } = robot.proprioception;
  if (isState(robot, length) || layouts.some((layout) => layout.length === length)) return undefined;
  const lengths = [...new Set([...layouts.map((layout) => layout.length), robot.width])];
  return `${length} numbers, not ${lengths.join(' or ')}`;
}

/**
 * The state of a proprioception vector, float32 [width], in the order of the action's columns. Combined numbers (a
 * gripper's opening from its two fingers) are computed in float32 and not clipped, as in the original. Golden case
 * transforms. As many numbers as an action has, where no layout is so long, are the state itself.
 */
export function stateOf(robot: Robot, proprioception: ArrayLike<number>): Float32Array {
  if (isState(robot, proprioception.length)) return Float32Array.from(proprioception);
  const { state: sources } = layoutOfLength(robot, proprioception.length);
  const state = new Float32Array(robot.width);
  let at = 0;
  for (const source of sources) {
    if ('sum' in source) state[at++] = combined(source, proprioception, 0);
    else for (let i = source.columns[0]; i < source.columns[1]; i++) state[at++] = proprioception[i] as number;
  }
  return state;
}

/** One number made of several. */
export interface Combination {
  readonly sum: readonly number[];
  readonly divide: number;
  readonly multiply: number;
  readonly add: number;
}

/**
 * (sum / divide) · multiply + add of numbers that lie `from` further on; the last sum is rounded where it is stored.
 */
export function combined({ sum, divide, multiply, add }: Combination, values: ArrayLike<number>, from: number): number {
  let total = 0;
  for (const index of sum) total = fround(total + fround(values[from + index] as number));
  return fround(multiply * fround(total / fround(divide))) + add;
}

/** The numbers of one named field, a view. @throws InputError when the layout has no such field */
export function proprioceptionField(robot: Robot, proprioception: Float32Array, name: string): Float32Array {
  const { fields, name: layout } = layoutOfLength(robot, proprioception.length);
  const range = fields?.[name];
  if (!range) throw new InputError('proprioception', `the layout ${layout} of ${robot.name} has no field ${name}.`);
  return proprioception.subarray(range[0], range[1]);
}

/**
 * A vector of the given length from named fields. Cosines and sines (`NAME_cos`, `NAME_sin`) follow from their angle
 * NAME (rad) unless they are given; other fields that are not given are 0.
 * @throws InputError when a number that the state needs is missing, a field is unknown or has the wrong length
 */
export function encodeProprioception(
  robot: Robot,
  length: number,
  input: Readonly<Record<string, ArrayLike<number> | number | undefined>>,
): Float32Array {
  const where = 'encodeProprioception';
  const { fields = {}, state } = layoutOfLength(robot, length);
  const out = new Float32Array(length);
  const given = new Uint8Array(length);
  const put = (name: string, values: ArrayLike<number>) => {
    const [start, end] = fields[name] as [number, number];
    if (values.length !== end - start)
      throw new InputError(where, `${name} has the wrong length (got ${values.length}, expected ${end - start}).`);
    out.set(values, start);
    given.fill(1, start, end);
  };
  const entries = Object.entries(input).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'number' ? [value] : value] as const],
  );
  for (const [name, values] of entries) {
    if (`${name}_cos` in fields) put(`${name}_cos`, Array.from(values, Math.cos));
    if (`${name}_sin` in fields) put(`${name}_sin`, Array.from(values, Math.sin));
  }
  for (const [name, values] of entries) {
    if (name in fields) put(name, values);
    else if (!(`${name}_cos` in fields)) {
      const guess = nearest(name, Object.keys(fields));
      throw new InputError(where, `no field ${name}.${guess ? ` Did you mean ${guess}?` : ''}`);
    }
  }
  for (const source of state) {
    const columns = 'sum' in source ? source.sum : [source.columns[0]];
    const missing = columns.find((column) => !given[column]);
    if (missing === undefined) continue;
    const name = Object.entries(fields).find(([, [start, end]]) => start <= missing && missing < end)?.[0];
    throw new InputError(where, `${name ?? `number ${missing}`} is missing.`);
  }
  return out;
}
