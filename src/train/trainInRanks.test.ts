import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { smallTraining, writeFakeSet } from '../../test/support/training.ts';
import { sharedRanks } from '../base/index.ts';
import { type Parameters, readSafetensors } from '../tensor/index.ts';
import type { TrainConfig } from './config.ts';
import type { TrainResult } from './loop.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';
import { trainInRanks } from './trainInRanks.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

/** Its gradient is zero in exact arithmetic: what moves it is rounding (test/golden/train-steps). */
const ROUNDING_ONLY = 'MultiHeadDotProductAttention_0/key/bias';

let folder: string;
let data: string;
let config: TrainConfig;
let stats: string | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-ranks-'));
  data = join(folder, 'data');
  await writeFakeSet(
    data,
    [0, 1, 2, 3].map((seed) => ({ length: 40 + seed, seed })),
  );
  config = await smallTraining({
    steps: 6,
    checkpointEvery: 3,
    keepCheckpoints: 2,
    stateNoise: 0.1,
    stageNoise: 0.3,
    pictures: {
      ...{ colour: 'linear', crop: 0.9, rotate: 5, hue: 0, saturation: 0, colourShare: 1 },
      ...{ brightness: 0.1, contrast: 0.1, noise: 3 },
    },
    validation: { share: 0.25, every: 3, batches: 1 },
  });
  const { checkpoint } = await train(optionsOf('alone'));
  stats = join(checkpoint, 'assets/household/norm_stats.json');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const optionsOf = (out: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  ...{ config, data: [data], out: join(folder, out), threads: 1, seed: 3, ...(stats && { stats }) },
  ...more,
});

/** Trains with threads as ranks. @returns what each returned, and what they told */
async function inRanks(
  size: number,
  optionsFor: (rank: number) => TrainOptions,
): Promise<{ results: (TrainResult | null)[]; told: string[] }> {
  const threads = sharedRanks(size);
  const told: string[] = [];
  const tell = (error: unknown, where: string) => {
    told.push(`${where}${(error as Error).message}`);
    return 2;
  };
  const results = await Promise.all(
    Array.from({ length: size }, (_, rank) => trainInRanks({ threads, rank }, optionsFor(rank), tell)),
  );
  return { results, told };
}

const lines = async (out: string, name: string): Promise<Record<string, number>[]> =>
  (await readFile(join(folder, out, name), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Largest difference over the largest number of each array. */
function furthest(a: Parameters, b: Parameters): number {
  expect([...a.keys()]).toEqual([...b.keys()]);
  const exact = [...a].filter(([name]) => !name.endsWith(ROUNDING_ONLY));
  return Math.max(
    ...exact.map(([name, { data: own }]) => {
      const other = b.get(name)?.data as Float32Array;
      const [x, y] = [own as Float32Array, other];
      const largest = y.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
      return x.reduce((most, value, i) => Math.max(most, Math.abs(value - (y[i] ?? Number.NaN))), 0) / largest;
    }),
  );
}

const state = (out: string, step: string) =>
  readSafetensors(join(folder, out, 'checkpoints', step, 'train.safetensors'));

async function expectSameRun(out: string, alone = 'alone'): Promise<void> {
  for (const name of ['metrics.jsonl', 'validation.jsonl']) {
    const [own, expected] = [await lines(out, name), await lines(alone, name)];
    expect(own.map(({ step }) => step)).toEqual(expected.map(({ step }) => step));
    for (const [i, line] of expected.entries())
      for (const [key, value] of Object.entries(line))
        if (/^loss|stage_acc|gradientNorm$|learningRate/.test(key))
          expect(Math.abs((own[i]?.[key] ?? Number.NaN) - value), `${name} ${key}, line ${i}`).toBeLessThanOrEqual(
            1e-5 * Math.abs(value),
          );
  }
  // AdamW divides by the square root of tiny second moments: there rounding is largest.
  expect(furthest(await state(out, '000006'), await state(alone, '000006'))).toBeLessThan(1e-3);
}

describe('training in several ranks', () => {
  it('follows the curve of one process, resumed with another number too', async () => {
    const stop = new AbortController();
    const signal = { signal: stop.signal, onStep: (step: number) => step === 3 && stop.abort() };
    const begun = await inRanks(2, (rank) => optionsOf('ranks', rank === 0 ? signal : {}));
    expect(begun).toEqual({ told: [], results: [expect.objectContaining({ step: 3, stopped: 'interrupted' }), null] });
    const ended = await inRanks(4, () => optionsOf('ranks', { resume: true }));
    expect(ended).toEqual({ told: [], results: [expect.objectContaining({ step: 6 }), null, null, null] });
    await expectSameRun('ranks');
    const [metrics] = await lines('ranks', 'metrics.jsonl');
    expect(metrics).toMatchObject({ reduce: expect.any(Number), rankWait: expect.any(Number) });
  });

  it('follows it with samples that each rank reads as it needs them', async () => {
    const streamed = { config: { ...config, stream: 'always' as const } };
    const { told, results } = await inRanks(2, () => optionsOf('streamed', streamed));
    expect({ told, results }).toEqual({ told: [], results: [expect.objectContaining({ step: 6 }), null] });
    await expectSameRun('streamed');
  });

  it('follows it layer by layer, with what is frozen read from the file that rank 0 wrote', async () => {
    const frozen = { ...config, freeze: ['visionTower' as const] };
    await train(optionsOf('frozen', { config: frozen }));
    const layers = { config: { ...frozen, layerwise: true } };
    const stop = new AbortController();
    const signal = { signal: stop.signal, onStep: (step: number) => step === 3 && stop.abort() };
    const begun = await inRanks(2, (rank) => optionsOf('layers', { ...layers, ...(rank === 0 && signal) }));
    expect(begun).toEqual({ told: [], results: [expect.objectContaining({ step: 3, stopped: 'interrupted' }), null] });
    const ended = await inRanks(2, () => optionsOf('layers', { ...layers, resume: true }));
    expect(ended).toEqual({ told: [], results: [expect.objectContaining({ step: 6 }), null] });
    await expectSameRun('layers', 'frozen');
  });

  it('tells once what is wrong everywhere, and writes nothing', async () => {
    const wrong = await inRanks(2, () => optionsOf('wrong', { data: [join(folder, 'none')] }));
    expect(wrong.results).toEqual([null, null]);
    expect(wrong.told).toEqual([expect.stringContaining('none')]);
    await expect(readFile(join(folder, 'wrong', 'run.json'))).rejects.toThrow();
    const uneven = await inRanks(3, () => optionsOf('uneven'));
    expect(uneven.told).toEqual([
      'batch: 4 samples cannot be shared equally by 3 ranks. Take another number of ranks, or --set batch=6.',
    ]);
    const parts = await inRanks(2, () => optionsOf('parts', { config: { ...config, accumulate: 4 } }));
    expect(parts.told).toEqual([expect.stringMatching(/must divide .* \(got a batch of 2 and accumulate 4\)/)]);
  });

  it('names the rank that fails or sees something else', async () => {
    const other = await inRanks(2, (rank) => optionsOf('other', { seed: rank }));
    expect(other.told).toEqual([expect.stringMatching(/^ranks: rank 1 sees another configuration/)]);
    const gone = await inRanks(2, (rank) => optionsOf('gone', rank === 1 ? { data: [join(folder, 'none')] } : {}));
    expect(gone.told).toEqual([expect.stringMatching(/^rank 1: .*none/)]);
  });

  it('ends all ranks when one fails on the way, with the last checkpoint whole', async () => {
    const failed = await inRanks(2, (rank) =>
      optionsOf('failed', {
        ...(rank === 0 && {
          onStep: (step) => {
            if (step === 5) throw new Error('the disk is gone');
          },
        }),
      }),
    );
    expect(failed).toEqual({ results: [null, null], told: ['the disk is gone'] });
    expect((await train(optionsOf('failed', { resume: true }))).step).toBe(6);
    await expectSameRun('failed');
  });
});
