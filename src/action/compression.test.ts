import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldenJson, goldenRow, goldenTensors, largestError } from '../../test/support/golden.ts';
import { CHALLENGE_ROBOT as robot } from '../robot/index.ts';
import { compressChunk } from './compression.ts';
import { splineMatrix } from './spline.ts';

const t = await goldenTensors('compression/compression.safetensors');

describe('compressChunk', () => {
  const settings = Object.keys(t).flatMap((name) => (name.startsWith('chunks_') ? [name.slice('chunks_'.length)] : []));

  it.each(settings)('is that of the original, setting %s', (setting) => {
    const [execute, keep, steps] = setting.split('_').map(Number) as [number, number, number];
    const chunks = t[`chunks_${setting}`]!;
    for (let i = 0; i < chunks.shape[0]!; i++) {
      const got = compressChunk(goldenRow(chunks, i) as Float64Array, {
        execute,
        keep,
        steps,
        gripperCheck: !setting.endsWith('plain'),
        robot,
      });
      expect(largestError(got.actions, goldenRow(t[`actions_${setting}`]!, i))).toBeLessThan(1e-12);
      expect([...got.nextPrefix]).toEqual([...goldenRow(t[`next_prefix_${setting}`]!, i)]);
      expect([got.rows, got.nextRows, Number(got.compressed)]).toEqual([
        steps,
        keep,
        t[`compressed_${setting}`]!.data[i],
      ]);
    }
  });

  it('decides in float64 whether a gripper moves', () => {
    for (const [low, high, above] of goldenJson<{ rows: [number, number, boolean][] }>('compression/variation.json')
      .rows)
      for (const column of [14, 22]) {
        const chunk = new Float64Array(30 * 23);
        for (let row = 0; row < 30; row++) chunk[row * 23 + column] = row < 25 ? low : high;
        expect(compressChunk(chunk, { robot, execute: 26, keep: 4, steps: 20 }).compressed).toBe(!above);
      }
  });

  it('keeps the end points, scales the base, and leaves a steady chunk steady', () => {
    const shape = fc.record({
      execute: fc.integer({ min: 1, max: 30 }),
      steps: fc.integer({ min: 2, max: 29 }),
      values: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 690, maxLength: 690 }),
    });
    fc.assert(
      fc.property(shape, ({ execute, steps, values }) => {
        const chunk = Float64Array.from(values);
        const { actions, compressed } = compressChunk(chunk, { robot, execute, keep: 0, steps, gripperCheck: false });
        expect(compressed).toBe(steps < execute);
        const last = compressed ? execute - 1 : steps - 1;
        for (let d = 0; d < 23; d++) {
          const factor = compressed && d < 3 ? execute / steps : 1;
          expect(actions[d]).toBeCloseTo(chunk[d]! * factor, 10);
          expect(actions[(steps - 1) * 23 + d]).toBeCloseTo(chunk[last * 23 + d]! * factor, 10);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps grippers within what they were told whenever it leaves a chunk alone, and near it when it squeezes', () => {
    // As in the original the spline may overshoot; with the check on, a squeezed gripper varies by 0.2 at most, and the
    // spline by little more.
    const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 30, maxLength: 30 });
    const shape = fc.record({
      values,
      calm: fc.boolean(),
      execute: fc.integer({ min: 2, max: 26 }),
      steps: fc.integer({ min: 1, max: 26 }),
    });
    fc.assert(
      fc.property(shape, ({ values, calm, execute, steps }) => {
        const chunk = new Float64Array(690);
        values.forEach((value, t) => {
          chunk[t * 23 + 14] = calm ? 0.5 + 0.1 * value : value;
        });
        const { actions, compressed, rows, nextPrefix, nextRows } = compressChunk(chunk, {
          robot,
          execute,
          keep: 4,
          steps,
        });
        const used = compressed ? execute : steps;
        const told = Array.from({ length: used }, (_, t) => chunk[t * 23 + 14]!);
        const [low, high] = [Math.min(...told), Math.max(...told)];
        const slack = compressed ? 2 * (high - low) + 1e-12 : 0;
        for (let t = 0; t < rows; t++) {
          expect(actions[t * 23 + 14]).toBeGreaterThanOrEqual(low - slack);
          expect(actions[t * 23 + 14]).toBeLessThanOrEqual(high + slack);
        }
        expect(nextRows).toBe(4);
        expect([...nextPrefix]).toEqual([...chunk.subarray(used * 23, (used + 4) * 23)]);
      }),
      { numRuns: 100 },
    );
  });

  it("takes another factor for the base's commands, and another measure of a gripper's change", () => {
    const chunk = Float64Array.from({ length: 690 }, (_, i) => (i % 23 === 0 ? 0.5 : 0));
    const first = (options: object) =>
      compressChunk(chunk, { robot, execute: 26, keep: 4, steps: 20, ...options }).actions[0];
    expect(first({})).toBeCloseTo(0.65, 12);
    expect(first({ baseFactor: 1 })).toBeCloseTo(0.5, 12);
    chunk[10 * 23 + 22] = 0.3;
    const squeezed = (gripperChange?: number) =>
      compressChunk(chunk, {
        robot,
        execute: 26,
        keep: 4,
        steps: 20,
        ...(gripperChange !== undefined && { gripperChange }),
      }).compressed;
    expect([squeezed(), squeezed(0.3), squeezed(0.29)]).toEqual([false, true, false]);
  });

  it('never squeezes when told so, and refuses chunks that are too short', () => {
    const chunk = new Float64Array(30 * 23);
    expect(compressChunk(chunk, { robot, execute: 26, keep: 4, steps: 20, compress: false }).compressed).toBe(false);
    expect(() => compressChunk(chunk, { robot, execute: 31, keep: 0, steps: 20 })).toThrow(
      /too short \(got 30 rows, expected at least 31/,
    );
  });
});

describe('splineMatrix', () => {
  it('is exact for cubics from 4 knots on, for lower degrees below', () => {
    for (const knots of [1, 2, 3, 4, 5, 9, 26]) {
      const degree = Math.min(3, knots - 1);
      const f = (x: number) => [1, 1 - 2 * x, 1 - 2 * x + x * x, 1 - 2 * x + x * x - 0.1 * x ** 3][degree]!;
      const matrix = splineMatrix(knots, 7);
      for (let p = 0; p < 7; p++) {
        let sum = 0;
        for (let k = 0; k < knots; k++) sum += matrix[p * knots + k]! * f(k);
        const expected = f((p * (knots - 1)) / 6);
        expect(Math.abs(sum - expected)).toBeLessThan(1e-10 * Math.max(1, Math.abs(expected)));
      }
    }
  });
});
