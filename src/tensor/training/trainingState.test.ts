import { describe, expect, it } from 'vitest';
import { toBeAllclose } from '../../../test/support/tensor.ts';
import { Random } from '../../base/index.ts';
import type { Parameters } from '../graph/types.ts';
import { STATE_ARRAYS, type StepOptions, TrainingState } from './trainingState.ts';

const specs = [
  { name: 'w', shape: [5, 7] },
  { name: 'b', shape: [3] },
  { name: 's', shape: [] },
];

const numbers = (x: Parameters, name: string): Float32Array => x.get(name)!.data as Float32Array;

function normals(random: Random): Parameters {
  return new Map(
    specs.map(({ name, shape }) => {
      const count = shape.reduce((a, b) => a * b, 1);
      return [
        name,
        { shape, dtype: 'float32' as const, data: Float32Array.from({ length: count }, () => random.normal()) },
      ];
    }),
  );
}

/**
 * AdamW with clipping and moving average by the formulas of optax (chain(clip_by_global_norm, adamw)), one number at a
 * time in float64.
 */
class ObviousAdamW {
  m: number[];
  v: number[];
  ema: number[];
  step = 0;
  constructor(readonly p: number[]) {
    this.m = p.map(() => 0);
    this.v = p.map(() => 0);
    this.ema = [...p];
  }
  update(gradient: number[], o: Required<Omit<StepOptions, 'skipAbove'>>): number {
    const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    const clip = norm > o.clipNorm ? o.clipNorm / norm : 1;
    this.step++;
    for (let i = 0; i < this.p.length; i++) {
      const g = gradient[i]! * clip;
      this.m[i] = o.beta1 * this.m[i]! + (1 - o.beta1) * g;
      this.v[i] = o.beta2 * this.v[i]! + (1 - o.beta2) * g * g;
      const mHat = this.m[i]! / (1 - o.beta1 ** this.step);
      const vHat = this.v[i]! / (1 - o.beta2 ** this.step);
      this.p[i]! -= o.learningRate * (mHat / (Math.sqrt(vHat) + o.epsilon) + o.weightDecay * this.p[i]!);
      this.ema[i] = o.emaDecay * this.ema[i]! + (1 - o.emaDecay) * this.p[i]!;
    }
    return norm;
  }
}

describe('TrainingState', () => {
  it('makes the same 50 updates as AdamW written out in float64', async () => {
    const random = Random.of('adamw');
    const state = new TrainingState(specs);
    const start = normals(random);
    await state.load({ parameters: start });
    const flat = (x: Parameters): number[] => specs.flatMap(({ name }) => [...numbers(x, name)]);
    const obvious = new ObviousAdamW(flat(start));
    for (let step = 0; step < 50; step++) {
      // Norms on both sides of the clip, and very small gradients where epsilon matters.
      const size = [1e-6, 0.02, 3][step % 3]!;
      const gradient = normals(random);
      for (const { name } of specs) numbers(state.gradients, name).set(numbers(gradient, name).map((g) => g * size));
      const options = {
        learningRate: 1e-2 / (1 + step),
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weightDecay: 0.1,
        clipNorm: 1,
        emaDecay: 0.9,
      };
      const { gradientNorm, applied } = state.clipAndStep(options);
      expect(applied).toBe(true);
      expect(gradientNorm).toBeCloseTo(obvious.update(flat(state.gradients), options), 6);
    }
    expect(state.step).toBe(50);
    toBeAllclose(flat(state.parameters), obvious.p, { relative: 2e-6, absolute: 2e-6 });
    toBeAllclose(flat(state.m), obvious.m, { relative: 1e-5, absolute: 1e-7 });
    toBeAllclose(flat(state.v), obvious.v, { relative: 1e-5, absolute: 1e-9 });
    toBeAllclose(flat(state.ema), obvious.ema, { relative: 2e-6, absolute: 2e-6 });
  });

  it('goes on bit for bit after its arrays are saved and loaded into a new one', async () => {
    const options = { learningRate: 1e-2, weightDecay: 0.01, clipNorm: 1, emaDecay: 0.99 };
    const run = (state: TrainingState, steps: number) => {
      for (let i = 0; i < steps; i++) {
        const gradient = normals(Random.of('gradient', state.step));
        for (const { name } of specs) numbers(state.gradients, name).set(numbers(gradient, name));
        state.clipAndStep(options);
      }
    };
    const whole = new TrainingState(specs);
    await whole.load({ parameters: normals(Random.of(1)) });
    run(whole, 6);
    const first = new TrainingState(specs);
    await first.load({ parameters: normals(Random.of(1)) });
    run(first, 3);
    const second = new TrainingState(specs);
    await second.load(first);
    run(second, 3);
    for (const kind of STATE_ARRAYS)
      for (const { name } of specs)
        expect(numbers(second[kind], name), `${kind} ${name}`).toEqual(numbers(whole[kind], name));
  });

  it('changes nothing when a gradient is not finite, and says so', async () => {
    const state = new TrainingState(specs);
    await state.load({ parameters: normals(Random.of(2)) });
    const before = Float32Array.from(numbers(state.parameters, 'w'));
    numbers(state.gradients, 'b')[1] = Number.NaN;
    expect(state.clipAndStep({ learningRate: 1 })).toEqual({ gradientNorm: Number.NaN, applied: false });
    expect(numbers(state.parameters, 'w')).toEqual(before);
    expect(state.step).toBe(0);
  });

  it('refuses arrays that are missing or misshapen', async () => {
    const state = new TrainingState(specs);
    const values = normals(Random.of(3));
    values.set('b', { shape: [4], dtype: 'float32', data: new Float32Array(4) });
    await expect(state.load({ parameters: values })).rejects.toThrow(
      "TrainingState.load: parameters 'b' has the wrong shape (got [4], expected [3]).",
    );
    values.delete('b');
    await expect(state.load({ m: values })).rejects.toThrow("m 'b' is missing");
  });

  it('trains more than one memory holds, and gets the same bytes', async () => {
    // Bytes needed: 960 for w, 320 each for b and s, 420,160 for the large one. What no memory holds lies outside of
    // them.
    const run = async (memoryBytes?: number) => {
      const state = new TrainingState([...specs, { name: 'large', shape: [3, 7001] }], { memoryBytes });
      const random = Random.of('memories');
      const draw = (target: Parameters) => {
        for (const { data } of target.values())
          (data as Float32Array).set((data as Float32Array).map(() => random.normal()));
      };
      draw(state.parameters);
      await state.load({ parameters: state.parameters });
      const norms = [1, 2, 3].map(() => {
        draw(state.gradients);
        return state.clipAndStep({ learningRate: 1e-2, weightDecay: 0.1, clipNorm: 1, emaDecay: 0.9 }).gradientNorm;
      });
      const data = STATE_ARRAYS.flatMap((kind) => [...state[kind].values()].map((array) => array.data));
      const bytes = data.map((x) => Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString('base64'));
      return { norms, bytes, memories: new Set(data.slice(0, 4).map(({ buffer }) => buffer)).size };
    };
    const one = await run();
    expect(one.memories).toBe(1);
    for (const [memoryBytes, memories] of [
      [1000, 3],
      [64, 4],
      [421_000, 2],
    ] as const) {
      const several = await run(memoryBytes);
      expect(several.memories, `${memoryBytes} bytes each`).toBe(memories);
      expect(several.norms).toEqual(one.norms);
      expect(several.bytes).toEqual(one.bytes);
    }
  });
});
