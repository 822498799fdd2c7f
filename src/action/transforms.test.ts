import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldenRow, goldenTensors, largestError } from '../../test/support/golden.ts';
import { CHALLENGE_ROBOT, stateOf } from '../robot/index.ts';
import type { ChunkStatistics } from './statistics/chunkStatistics.ts';
import {
  absoluteChunk,
  actionsFromModel,
  deltaChunk,
  denormaliseActions,
  denormaliseState,
  normaliseActions,
  normaliseState,
  prefixForModel,
} from './transforms.ts';

/** The statistics of case statistics-small as the original wrote them, without the correlation. */
async function originalStatistics(): Promise<ChunkStatistics> {
  const t = await goldenTensors('statistics-small/expected.safetensors');
  const moments = (name: string) => {
    const get = (x: string) => Float64Array.from(t[`${name}_${x}`]!.data);
    return { mean: get('mean'), std: get('std'), q01: get('q01'), q99: get('q99') };
  };
  return {
    horizon: 30,
    width: 32,
    state: moments('state'),
    actions: moments('actions'),
    perTimestep: moments('actions_per_timestep'),
  };
}

const v = await goldenTensors('transforms/vectors.safetensors');
const stats = await originalStatistics();

describe('transforms', () => {
  const samples = [...v.samples!.data];
  const state = (i: number) => goldenRow(v.state!, i) as Float32Array;
  /** Relative to the largest magnitude expected: normalised constant dimensions reach 1e4. */
  const relativeError = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
    largestError(actual, expected) / Math.max(1, ...Array.from(expected, Math.abs));

  it.each(samples.map((sample, i) => [sample, i] as const))('are those of the original, sample %i', (sample, i) => {
    const row = (name: string) => goldenRow(v[name]!, i);
    const actions = row('actions') as Float32Array;
    const delta = deltaChunk(actions, state(sample), CHALLENGE_ROBOT);
    expect(largestError(delta, row('actions_delta'))).toBe(0);
    expect(relativeError(normaliseActions(delta, stats, CHALLENGE_ROBOT), row('actions_for_model'))).toBeLessThan(1e-7);
    const forModel = normaliseState(state(sample), stats, CHALLENGE_ROBOT);
    expect(relativeError(forModel, goldenRow(v.state_for_model!, sample))).toBeLessThan(1e-7);
    expect(relativeError(denormaliseState(forModel, stats), goldenRow(v.state_restored!, sample))).toBeLessThan(1e-9);
    const output = row('model_output');
    expect(relativeError(denormaliseActions(output, stats), row('actions_unnormalized'))).toBeLessThan(1e-12);
    expect(
      relativeError(actionsFromModel(output, forModel, stats, CHALLENGE_ROBOT), row('actions_absolute')),
    ).toBeLessThan(1e-9);
    // A kept prefix is made relative to the state of the next sample.
    const prefix = Float64Array.from(row('prefix'));
    const next = state((sample + 1) % 20);
    expect(relativeError(prefixForModel(prefix, next, stats, CHALLENGE_ROBOT), row('prefix_normalized'))).toBeLessThan(
      2e-7,
    );
  });

  it('make the state that the original gives its network', async () => {
    const t = await goldenTensors('policy-input/inputs.safetensors');
    for (const sample of ['sample0', 'sample1', 'sample2']) {
      const got = normaliseState(stateOf(CHALLENGE_ROBOT, t[`${sample}.proprio`]!.data), stats, CHALLENGE_ROBOT);
      expect(relativeError(got, t[`${sample}.state`]!.data)).toBeLessThan(1e-6);
    }
  });

  it('come back to where they started', () => {
    const numbers = (length: number) =>
      fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: length, maxLength: length });
    fc.assert(
      fc.property(numbers(4 * 23), numbers(23), (chunk, at) => {
        const absolute = Float64Array.from(chunk);
        expect(
          largestError(absoluteChunk(deltaChunk(absolute, at, CHALLENGE_ROBOT), at, CHALLENGE_ROBOT), absolute),
        ).toBeLessThan(1e-14);
        const back = denormaliseActions(normaliseActions(absolute, stats, CHALLENGE_ROBOT), stats);
        for (let t = 0; t < 4; t++)
          expect(largestError(back.subarray(t * 32, t * 32 + 23), absolute.subarray(t * 23, t * 23 + 23))).toBeLessThan(
            1e-5,
          );
      }),
      { numRuns: 30 },
    );
  });

  it('refuse chunks of the wrong size', () => {
    expect(() => normaliseActions(new Float32Array(24), stats, CHALLENGE_ROBOT)).toThrow(/not of whole rows \(got 24/);
    expect(() => normaliseActions(new Float32Array(31 * 23), stats, CHALLENGE_ROBOT)).toThrow(
      /too many rows \(got 31, expected at most 30/,
    );
    expect(() => normaliseState(new Float32Array(32), stats, CHALLENGE_ROBOT)).toThrow(/got 32, expected 23/);
  });
});
