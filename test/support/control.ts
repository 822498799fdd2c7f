/** For tests: observations of a robot that stands, and plans. */
import {
  CHALLENGE_ROBOT,
  layoutOfLength,
  type Observation,
  type Picture,
  type Prediction,
} from '../../src/robot/index.ts';
import { proprioceptionFrom25 } from './golden.ts';

const fieldsOf = (length: number) => layoutOfLength(CHALLENGE_ROBOT, length).fields ?? {};

const BLACK: Picture = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) };
const PICTURES: Record<string, Picture> = { head: BLACK, left_wrist: BLACK, right_wrist: BLACK };

/**
 * A robot with its hands open (fingers at `fingers` m), its joints at `arm` rad, its base at rest; 256 numbers, or 61.
 */
export function observation({ task = 1, arm = 0, fingers = 0.05, length = 256 } = {}): Observation {
  const x = new Float32Array(25).fill(arm);
  x.fill(0, 0, 3);
  for (const finger of [14, 15, 23, 24]) x[finger] = fingers;
  const long = proprioceptionFrom25(x);
  if (length === long.length) return { proprioception: long, pictures: PICTURES, taskId: task };
  const [from, to] = [fieldsOf(long.length), fieldsOf(length)];
  const proprioception = new Float32Array(length);
  for (const [name, [start]] of Object.entries(to)) {
    const [a, b] = from[name]!;
    proprioception.set(long.subarray(a, b), start);
  }
  return { proprioception, pictures: PICTURES, taskId: task };
}

/** A plan that is the same in every row; it votes for stage 0. */
export function planOf(value: (column: number) => number, rows = 30): Prediction {
  return {
    actions: Float64Array.from({ length: rows * 23 }, (_, i) => value(i % 23)),
    horizon: rows,
    stageLogits: Float32Array.from({ length: 15 }, (_, i) => -i),
  };
}
