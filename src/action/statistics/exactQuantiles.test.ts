import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { exactQuantiles, exactQuantilesHere, sampleChunks } from './exactQuantiles.ts';
import { type EpisodeRows, RowLayout } from './shape.ts';
import { findTails } from './tails.ts';

const shape = { horizon: 3, relative: [false, true, false] };
const { columns, order } = new RowLayout(shape);

/** An episode from functions of frame and dimension. */
function episode(length: number, action: (i: number, dim: number) => number, state: typeof action): EpisodeRows {
  const make = (of: typeof action) => {
    const rows = new Float32Array(length * columns);
    for (let i = 0; i < length; i++)
      order.forEach((dim, c) => {
        rows[i * columns + c] = of(i, dim);
      });
    return rows;
  };
  return { length, actions: make(action), states: make(state) };
}

/** By sorting everything. */
function slow(episodes: readonly EpisodeRows[]) {
  const quantile = (values: number[], p: number) => {
    const sorted = Float64Array.from(values).sort();
    const at = (sorted.length - 1) * p;
    const low = sorted[Math.floor(at)]!;
    return low + ((sorted[Math.floor(at) + 1] ?? low) - low) * (at - Math.floor(at));
  };
  const [q01, q99, rowsQ01, rowsQ99] = [[], [], [], []] as number[][] as [number[], number[], number[], number[]];
  order.forEach((dim, c) => {
    const all: number[] = [];
    for (let t = 0; t < 3; t++) {
      const values: number[] = [];
      for (const { length, actions, states } of episodes)
        for (let i = 0; i + 3 <= length; i++)
          values.push(
            Math.fround(actions[(i + t) * columns + c]! - (shape.relative[dim] ? states[i * columns + c]! : 0)),
          );
      q01[t * 3 + dim] = quantile(values, 0.01);
      q99[t * 3 + dim] = quantile(values, 0.99);
      for (const x of values) all.push(x);
    }
    rowsQ01[dim] = quantile(all, 0.01);
    rowsQ99[dim] = quantile(all, 0.99);
  });
  return { q01, q99, rowsQ01, rowsQ99 };
}

const plain = (found: object) => Object.fromEntries(Object.entries(found).map(([k, v]) => [k, Array.from(v)]));

describe('exactQuantiles', () => {
  const random = Random.of('exact quantiles');
  const noise = Float64Array.from({ length: 70_000 }, () => random.normal());
  // Dimension 0 moves, 1 follows its state closely, 2 is a gripper: mostly −1, sometimes 1, now and then between.
  const action = (i: number, dim: number) =>
    dim === 2 ? (i % 97 < 90 ? -1 : i % 97 < 95 ? 1 : noise[i]! / 8) : Math.sin(i / 40) + noise[i + dim]! / 5;
  const state = (i: number, dim: number) => Math.sin(i / 40) + noise[i + 10 + dim]! / 50;

  it.each([
    ['of two chunks', [4]],
    ['of few', [3, 2, 90, 7]],
    ['of many episodes', Array.from({ length: 150 }, (_, i) => 20 + i)],
    ['of long ones', [40_000, 3, 11_111]],
  ] as const)('are the ranks that sorting gives, %s', (_, lengths) => {
    const episodes = lengths.map((length) => episode(length, action, state));
    const chunks = lengths.reduce((sum, length) => sum + Math.max(0, length - 2), 0);
    expect(plain(exactQuantilesHere(episodes, shape, chunks))).toEqual(slow(episodes));
  });

  it('do not depend on where the frames are', async () => {
    const episodes = [700, 30_000, 1, 5000].map((length) => episode(length, action, state));
    const chunks = 698 + 29_998 + 4998;
    const sources = [episodes.slice(0, 1), [], episodes.slice(1)].map((part) => ({
      sample: (stride: number) => sampleChunks(part, shape, stride),
      tails: (bounds: Float32Array<ArrayBuffer>) => findTails(part, shape, bounds),
    }));
    expect(await exactQuantiles(sources, shape, chunks)).toEqual(exactQuantilesHere(episodes, shape, chunks));
  });

  it('are found where the sample says nothing about them', () => {
    // Every chunk of the sample (one in ten) has the same numbers.
    const length = 30_000;
    const hidden = (i: number, dim: number) => (i % 10 < 3 ? 5 : noise[i + dim]!);
    const episodes = [episode(length, hidden, (i) => (i % 10 < 3 ? 4 : noise[i]!))];
    expect(plain(exactQuantilesHere(episodes, shape, length - 2))).toEqual(slow(episodes));
  });
});
