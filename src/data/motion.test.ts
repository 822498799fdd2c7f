import { expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { CHALLENGE_ROBOT, stateOf } from '../robot/index.ts';
import type { Dataset, Episode } from './lerobot/index.ts';
import { motionOf } from './motion.ts';

const { width } = CHALLENGE_ROBOT;
const length = 400;
const layout = CHALLENGE_ROBOT.proprioception.layouts[0]!.length;
/** Place in the proprioception that the state's dimension `d` is, unchanged. */
const placeOf = (d: number) =>
  Array.from({ length: layout }, (_, i) => i).find((i) => {
    const row = new Float32Array(layout);
    row[i] = 0.25;
    return stateOf(CHALLENGE_ROBOT, row)[d] === 0.25;
  })!;

/** A set of made-up columns, in place of files. */
function setOf(action: (t: number, d: number) => number, state: (t: number, d: number) => number): Dataset {
  const seen = new Float32Array(length * layout);
  for (const d of [3, 4]) {
    const place = placeOf(d);
    for (let t = 0; t < length; t++) seen[t * layout + place] = state(t, d);
  }
  const commands = Float32Array.from({ length: length * width }, (_, i) => action(Math.floor(i / width), i % width));
  const columns = {
    action: { rows: length, width, data: commands },
    'observation.state': { rows: length, width: layout, data: seen },
  };
  const episode: Episode = { index: 0, taskIndex: 0, instruction: '', length };
  return { root: 'made up', episodes: [episode], columns: async () => columns } as unknown as Dataset;
}

it('finds ranges, the lag of the state, what moves together and what never moves', async () => {
  const random = Random.of('motion');
  const noise = Float64Array.from({ length }, () => random.normal());
  const wave = (t: number) => Math.sin(t / 8);
  const set = setOf(
    (t, d) => (d === 3 ? wave(t) : d === 4 ? (noise[t] as number) : d === 5 ? -2 * wave(t) : d === 6 ? 7 : 0),
    (t, d) => (d === 3 ? wave(t - 5) : 0),
  );
  const { dimensions, correlation, frames } = await motionOf(set, CHALLENGE_ROBOT, 12);
  expect(frames).toBe(length);
  const [slow, white, , still] = dimensions.slice(3);
  expect([slow!.low, slow!.high].map((x) => Math.round(100 * x))).toEqual([-100, 100]);
  expect(slow!.lag).toBe(5);
  expect(slow!.toState[5]).toBeGreaterThan(0.999);
  // Slowly: Pearson's correlation of the pairs.
  const pairs = Array.from({ length: length - 7 }, (_, t) => [Math.fround(wave(t)), Math.fround(wave(t + 7))] as const);
  const mean = (k: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[k], 0) / pairs.length;
  const [a, b] = [mean(0), mean(1)];
  const product = (k: 0 | 1, l: 0 | 1) =>
    pairs.reduce((sum, pair) => sum + (pair[k] - (k ? b : a)) * (pair[l] - (l ? b : a)), 0);
  expect(slow!.auto[7]).toBeCloseTo(product(0, 1) / Math.sqrt(product(0, 0) * product(1, 1)), 10);
  expect(white!.auto[0]).toBeCloseTo(1, 12);
  expect(Math.abs(white!.auto[1]!)).toBeLessThan(0.2);
  expect([white!.lag, still!.lag, still!.auto[3]]).toEqual([undefined, undefined, Number.NaN]);
  expect([still!.low, still!.high]).toEqual([7, 7]);
  expect(correlation[3 * width + 5]).toBeCloseTo(-1, 6);
  expect(correlation[5 * width + 3]).toBeCloseTo(-1, 6);
  expect(correlation[3 * width + 6]).toBeNaN();
  await expect(motionOf(set, CHALLENGE_ROBOT, 400)).rejects.toThrow(/no episode is longer than 400 frames/);
});
