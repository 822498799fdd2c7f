import { createHash } from 'node:crypto';
import { InputError } from '../../base/index.ts';
import { type Robot, stateOf, stateProblem } from '../../robot/index.ts';
import type { Column, Episode } from '../lerobot/index.ts';

/** What the numbers of each dimension are like, over all frames. */
export interface Spread {
  readonly mean: Float64Array;
  /** Population standard deviation. */
  readonly std: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** What is known of a whole set's numbers. */
export interface SetNumbers {
  readonly frames: number;
  /** [width] of the states; of the actions as they are; of the actions relative to the states of their frames. */
  readonly state: Spread;
  readonly action: Spread;
  readonly delta: Spread;
}

/** Takes down the numbers of a set's episodes as they are read, for what shows only in all of them together. */
export class Survey {
  private readonly sums: Readonly<Record<'state' | 'action' | 'delta', Sums>> | undefined;
  /** First episode with these numbers, by their digest. */
  private readonly seen = new Map<string, number>();
  private readonly pairs: (readonly [number, number])[] = [];
  private frames = 0;

  /** @param robot without one only equal episodes are found */
  constructor(private readonly robot: Robot | undefined) {
    this.sums = robot && { state: new Sums(robot.width), action: new Sums(robot.width), delta: new Sums(robot.width) };
  }

  /** Episodes with numbers that cannot be used are left out: they are told otherwise. */
  add(episode: Episode, { action, 'observation.state': state }: Readonly<Record<string, Column>>): void {
    if (!action || !state || action.rows !== state.rows || action.rows === 0) return;
    if (![action, state].every(({ data }) => data.every(Number.isFinite))) return;
    const hash = createHash('sha256');
    for (const { width, data } of [action, state])
      hash.update(`${width} `).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const digest = hash.digest('base64');
    const first = this.seen.get(digest);
    if (first === undefined) this.seen.set(digest, episode.index);
    else this.pairs.push([first, episode.index]);
    this.count(action, state);
  }

  /** Pairs of episodes whose actions and states are the same numbers. */
  get equal(): readonly (readonly [number, number])[] {
    return this.pairs;
  }

  /** Undefined where the robot is not known, or no episode was of its form. */
  numbers(): SetNumbers | undefined {
    const { sums, frames } = this;
    if (!sums || frames === 0) return undefined;
    return { frames, state: sums.state.spread(), action: sums.action.spread(), delta: sums.delta.spread() };
  }

  /** The same of a set that is compared. @throws InputError when there are none */
  required(root: string): SetNumbers {
    const numbers = this.numbers();
    if (!numbers) throw new InputError(root, 'has no episode whose numbers can be compared.');
    return numbers;
  }

  private count(action: Column, proprioception: Column): void {
    const { robot, sums } = this;
    if (!robot || !sums || action.width !== robot.width) return;
    const { width: length } = proprioception;
    if (stateProblem(robot, length) !== undefined) return;
    const { width, deltaMask } = robot;
    const delta = new Float64Array(width);
    for (let row = 0; row < action.rows; row++) {
      const act = action.data.subarray(row * width, (row + 1) * width);
      const state = stateOf(robot, proprioception.data.subarray(row * length, (row + 1) * length));
      for (let d = 0; d < width; d++) delta[d] = (act[d] ?? 0) - (deltaMask[d] ? (state[d] ?? 0) : 0);
      sums.state.add(state);
      sums.action.add(act);
      sums.delta.add(delta);
    }
    this.frames += action.rows;
  }
}

/** Mean, deviation and range, row by row (Welford 1962). */
class Sums {
  private readonly mean: Float64Array;
  private readonly squares: Float64Array;
  private readonly min: Float64Array;
  private readonly max: Float64Array;
  private count = 0;

  constructor(width: number) {
    this.mean = new Float64Array(width);
    this.squares = new Float64Array(width);
    this.min = new Float64Array(width).fill(Number.POSITIVE_INFINITY);
    this.max = new Float64Array(width).fill(Number.NEGATIVE_INFINITY);
  }

  add(row: ArrayLike<number>): void {
    const { mean, squares, min, max } = this;
    this.count++;
    for (let d = 0; d < mean.length; d++) {
      const x = row[d] as number;
      const off = x - (mean[d] as number);
      mean[d] = (mean[d] as number) + off / this.count;
      squares[d] = (squares[d] as number) + off * (x - (mean[d] as number));
      if (x < (min[d] as number)) min[d] = x;
      if (x > (max[d] as number)) max[d] = x;
    }
  }

  spread(): Spread {
    const { mean, squares, min, max, count } = this;
    return { mean, std: squares.map((sum) => Math.sqrt(sum / count)), min, max };
  }
}
