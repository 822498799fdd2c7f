import { beforeAll, describe, expect, it } from 'vitest';
import { goldenAccumulator, goldenRow, goldenTensors, largestError } from '../../test/support/golden.ts';
import { Random } from '../base/index.ts';
import { Inpainter } from './inpaint.ts';
import { CorrelatedNoise } from './noise.ts';
import type { ChunkStatistics } from './statistics/chunkStatistics.ts';

const sampler = await goldenTensors('noise/sampler.safetensors');
const golden = await goldenTensors('noise/noise.safetensors');
let stats: ChunkStatistics;
const made = new Map<number, CorrelatedNoise>();
const noiseOf = (beta: number) => {
  if (!made.has(beta)) made.set(beta, new CorrelatedNoise(stats, { beta }));
  return made.get(beta)!;
};
beforeAll(async () => {
  stats = (await goldenAccumulator()).finish();
});

describe('CorrelatedNoise', () => {
  it.each([
    [0, 'b00'],
    [0.5, 'b05'],
    [0.7, 'b07'],
    [1, 'b10'],
  ] as const)('colours the golden normal numbers, beta %f', (beta, name) => {
    const noise = noiseOf(beta);
    // The golden factor comes from the original's float32-rounded statistics. Beta 1 has no shrinkage: the smallest
    // eigenvalue, 4e-6, magnifies that.
    const tolerance = beta === 1 ? 1e-5 : 1e-6;
    expect(largestError(noise.diagonal, golden[`L_${name}_exact_diagonal`]!.data)).toBeLessThan(tolerance);
    const z = golden.z!.data;
    expect(largestError(noise.colour(Float64Array.from(z)), golden[`noise_${name}_exact`]!.data)).toBeLessThan(
      2 * tolerance,
    );
    const original = golden[`noise_${name}`];
    if (original) expect(largestError(noise.colour(Float32Array.from(z)), original.data)).toBeLessThan(5e-5);
  });

  it.each([
    [0.5, 'b05'],
    [0.7, 'b07'],
  ] as const)('has the shrunk factor, beta %f', (beta, name) => {
    const { factor, active } = noiseOf(beta);
    expect([...active]).toEqual([...golden.active!.data]);
    const rows = golden[`L_${name}_rows_30`]!.data;
    let at = 0;
    for (let i = 29; i < 660; i += 30) {
      expect(largestError(factor.subarray(i * 660, i * 660 + i + 1), rows.subarray(at, at + i + 1))).toBeLessThan(1e-5);
      at += i + 1;
    }
    expect(at).toBe(rows.length);
  });

  it('gives the same for one chunk as among others, whatever their number', () => {
    const z = Random.of('z').fillNormal(new Float32Array(7 * 960));
    const all = noiseOf(0.5).colour(z);
    for (const i of [0, 3, 4, 6])
      expect(
        largestError(noiseOf(0.5).colour(z.slice(i * 960, (i + 1) * 960)), all.subarray(i * 960, (i + 1) * 960)),
      ).toBe(0);
  });

  it('samples with the correlation that it promises', () => {
    const count = 1500;
    const noise = noiseOf(0.5);
    const x = noise.sample(Random.of('samples'), count);
    expect(x.length).toBe(count * 960);
    const pairs = [
      [0, 0],
      [7, 39],
      [39, 7 + 32 * 29],
      [31, 31],
      [31, 63],
    ] as const;
    for (const [a, b] of pairs) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += x[i * 960 + a]! * x[i * 960 + b]!;
      expect(Math.abs(sum / count - noise.covariance([a], [b])[0]!)).toBeLessThan(0.15);
    }
  });

  it('is white without statistics or with beta 0, and says what it needs', () => {
    const white = new CorrelatedNoise(null);
    expect(white.sample(Random.of(1), 2)).toEqual(Random.of(1).fillNormal(new Float32Array(2 * 960)));
    const { correlation: _, ...bare } = stats;
    expect(() => new CorrelatedNoise(bare)).toThrow(/no action correlation. Use beta 0/);
    expect(new CorrelatedNoise(bare, { beta: 0 }).active.length).toBe(0);
    expect(() => new CorrelatedNoise(stats, { beta: 1.5 })).toThrow(/got 1.5, expected 0…1/);
    expect(() => new CorrelatedNoise(stats, { horizon: 50 })).toThrow(/got 30×32, expected 50×32/);
  });
});

describe('Inpainter', () => {
  it.each([
    ['correction_4x32_rows', 4, 32],
    ['correction_4x23_rows', 4, 23],
  ] as const)('has the correction matrix of %s', (name, keepRows, width) => {
    const { correction, free, kept } = new Inpainter(noiseOf(0.5), { keepRows, width });
    expect([kept.length, free.length]).toEqual([keepRows * width, 960 - keepRows * width]);
    const rows = golden[name]!;
    for (let i = 0; i < rows.shape[0]!; i++) {
      const at = 16 * i * kept.length;
      expect(largestError(correction.subarray(at, at + kept.length), goldenRow(rows, i))).toBeLessThan(5e-6);
    }
  });

  it('has the correction matrix for 8 kept rows, 0 outside the active entries', () => {
    const { correction, free, kept } = new Inpainter(noiseOf(0.5), { keepRows: 8 });
    const active = new Set(golden.active!.data);
    const [u, o] = [free.filter((i) => active.has(i)), kept.filter((i) => active.has(i))];
    const rows = golden.correction_8x32_active_rows!;
    expect(o.length).toBe(rows.shape[1]);
    for (let i = 0; i < rows.shape[0]!; i++) {
      const row = free.indexOf(u[16 * i]!);
      const got = Array.from(o, (j) => correction[row * kept.length + kept.indexOf(j)]!);
      expect(largestError(got, goldenRow(rows, i))).toBeLessThan(5e-6);
    }
    let outside = 0;
    for (let i = 0; i < free.length; i++)
      for (let j = 0; j < kept.length; j++)
        if (!active.has(free[i]!) || !active.has(kept[j]!))
          outside = Math.max(outside, Math.abs(correction[i * kept.length + j]!));
    expect(outside).toBe(0);
  });

  describe('in the sampling loop with a linear stand-in for the network', () => {
    const { fround } = Math;

    /** Euler from 1 to 0; returns x and how often each chunk was corrected. */
    function integrate(name: string, steps: number, skip: 'sample' | 'batch') {
      const out = sampler[`out_${name}`]!;
      const batch = out.shape[0]!;
      const noise = noiseOf(0.5).colour(sampler.z!.data.slice(0, batch * 960) as Float32Array);
      const x = noise.slice();
      const prefix = sampler[`prefix_${name}`];
      const inpainter =
        prefix && new Inpainter(noiseOf(0.5), { keepRows: prefix.shape[1]!, width: prefix.shape[2]!, skip });
      const corrections = Array<number>(batch).fill(0);
      const dt = fround(-1 / steps);
      for (let t = 1; t >= -dt / 2; ) {
        const v = new Float32Array(x.length);
        for (let row = 0; row < x.length; row += 32)
          for (let j = 0; j < 32; j++) {
            let sum = sampler.b!.data[j]! + 0.3 * t;
            for (let i = 0; i < 32; i++) sum += x[row + i]! * sampler.W!.data[i * 32 + j]!;
            v[row + j] = sum;
          }
        for (let i = 0; i < x.length; i++) x[i] = x[i]! + fround(dt * v[i]!);
        t = fround(t + dt);
        const done = inpainter?.apply(x, prefix!.data, noise, t);
        done?.corrected.forEach((c, b) => {
          corrections[b]! += Number(c);
        });
      }
      return { x, expected: out.data, corrections };
    }

    it.each([
      ['free20', 20],
      ['free10', 10],
      ['mild20', 20],
      ['mild10', 10],
      ['wild20', 20],
      ['batch20', 20],
      ['eight20', 20],
      ['cols23', 20],
    ] as const)('reproduces %s', (name, steps) => {
      const { x, expected } = integrate(name, steps, 'batch');
      const scale = Math.max(1, ...Array.from(expected, Math.abs));
      expect(largestError(x, expected) / scale).toBeLessThan(1e-5);
    });

    it('corrects in 13 of 20 steps and 6 of 10', () => {
      expect(integrate('mild20', 20, 'sample').corrections).toEqual([13]);
      expect(integrate('mild10', 10, 'sample').corrections).toEqual([6]);
    });

    it('lets each chunk of a batch decide for itself', () => {
      const { corrections } = integrate('batch20', 20, 'sample');
      expect(Math.min(...corrections)).toBeLessThan(13);
      expect(Math.max(...corrections)).toBe(13);
    });
  });

  it('leaves x alone once the time is at the threshold, and with nothing to keep', () => {
    const x = new Float32Array(960).fill(5);
    const nothing = new Inpainter(noiseOf(0), { keepRows: 0 });
    expect(nothing.apply(x, [], new Float32Array(960), 1)).toEqual({
      enforced: false,
      corrected: [false],
      largest: [0],
    });
    const four = new Inpainter(noiseOf(0), { keepRows: 4 });
    expect(four.apply(x, new Float32Array(128), new Float32Array(960), 0.3).enforced).toBe(false);
    expect(x.every((v) => v === 5)).toBe(true);
    const far = new Inpainter(noiseOf(0), { keepRows: 4 }).apply(x.slice(), Array(128).fill(Number.NaN), x, 0.5);
    expect(far).toMatchObject({ enforced: true, corrected: [false], largest: [Number.NaN] });
    expect(() => four.apply(x, new Float32Array(127), new Float32Array(960), 0.5)).toThrow(
      /given 127; expected x and noise B×960, given B×128/,
    );
  });
});
