/**
 * For tests: golden tensors from test/golden, pictures, and the reduced proprioception in which they are kept there.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { StatisticsAccumulator } from '../../src/action/index.ts';
import { CHALLENGE_ROBOT, encodeProprioception, type Picture } from '../../src/robot/index.ts';
import { readSafetensors } from '../../src/tensor/index.ts';

/** A golden tensor with its numbers as plain doubles' container. */
export interface GoldenTensor {
  readonly shape: number[];
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

function goldenPath(path: string): string {
  return fileURLToPath(new URL(`../../test/golden/${path}`, import.meta.url));
}

/** All tensors of a golden safetensors file (.gz too), by name; 64-bit integers as float64. */
export async function goldenTensors(path: string): Promise<Record<string, GoldenTensor>> {
  const file = await readFile(goldenPath(path));
  const tensors = await readSafetensors(path.endsWith('.gz') ? gunzipSync(file) : file);
  return Object.fromEntries(
    Array.from(tensors, ([name, { shape, data }]) => [
      name,
      {
        shape: [...shape],
        data: (data instanceof BigInt64Array ? Float64Array.from(data, Number) : data) as GoldenTensor['data'],
      },
    ]),
  );
}

export function goldenJson<T>(path: string): T {
  return JSON.parse(readFileSync(goldenPath(path), 'utf8')) as T;
}

/** A golden PNG; `channels` 4 keeps its alpha. */
export async function goldenPicture(path: string, channels: 3 | 4 = 3): Promise<Picture> {
  const image = sharp(goldenPath(path));
  const { data, info } = await (channels === 4 ? image.ensureAlpha() : image.removeAlpha())
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels, data: new Uint8Array(data) };
}

/** The 256 numbers from the 25 that the state needs, as test/golden keeps them. */
export function proprioceptionFrom25(x: ArrayLike<number>): Float32Array {
  const part = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => x[start + i]!);
  return encodeProprioception(CHALLENGE_ROBOT, 256, {
    base_qvel: part(0, 3),
    trunk_qpos: part(3, 7),
    arm_left_qpos: part(7, 14),
    gripper_left_qpos: part(14, 16),
    arm_right_qpos: part(16, 23),
    gripper_right_qpos: part(23, 25),
  });
}

/** Row `i` of the first axis. */
export function goldenRow(tensor: GoldenTensor, i: number): GoldenTensor['data'] {
  const size = tensor.shape.slice(1).reduce((product, n) => product * n, 1);
  return tensor.data.subarray(i * size, (i + 1) * size) as GoldenTensor['data'];
}

/** Largest absolute difference; NaN or a different length is infinite. */
export function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }
  return worst;
}

/** The episodes of golden case statistics-small, added up. */
export async function goldenAccumulator(): Promise<StatisticsAccumulator> {
  const t = await goldenTensors('statistics-small/episodes.safetensors');
  const accumulator = new StatisticsAccumulator({ robot: CHALLENGE_ROBOT });
  for (let e = 0; t[`action_${e}`]; e++) {
    const frames = t[`proprio25_${e}`]!;
    const state = new Float32Array(frames.shape[0]! * 256);
    for (let i = 0; i < frames.shape[0]!; i++) state.set(proprioceptionFrom25(goldenRow(frames, i)), i * 256);
    accumulator.add({ state, actions: t[`action_${e}`]!.data as Float32Array });
  }
  return accumulator;
}
