import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { smallTraining, writeFakeSet } from '../../test/support/training.ts';
import { sharedRanks } from '../base/index.ts';
import { configs, createPlanner, loadParameters, loraBases, readCheckpoint, trainingMemory } from '../model/index.ts';
import { readSafetensors } from '../tensor/index.ts';
import { checkTrainConfig, type TrainConfig } from './config.ts';
import { frozenLeaves } from './freeze.ts';
import { trainedWith, trainingRefusal } from './memory.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';
import { trainInRanks } from './trainInRanks.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

let folder: string;
let data: string;
let config: TrainConfig;
let base: string;
let stats: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-lora-'));
  data = join(folder, 'data');
  await writeFakeSet(
    data,
    [0, 1, 2].map((seed) => ({ length: 40 + seed, seed })),
  );
  config = await smallTraining({
    ...{ steps: 4, checkpointEvery: 2, keepCheckpoints: 3, logEvery: 1 },
    validation: { share: 0.34, every: 2, batches: 1, chunks: 2 },
  });
  ({ checkpoint: base } = await train({
    ...{ config: { ...config, steps: 1 }, data: [data], out: join(folder, 'base'), threads: 1 },
  }));
  stats = join(base, 'assets/household/norm_stats.json');
  config = { ...config, lora: { rank: 4, alpha: 8, targets: ['attn', 'ffn'] }, freeze: ['visionTower'] };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const optionsOf = (out: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  ...{ config, data: [data], out: join(folder, out), threads: 1, seed: 3, stats, init: base, ...more },
});
const hashOf = async (...names: string[]) =>
  createHash('sha256')
    .update(await readFile(join(folder, ...names)))
    .digest('hex');
const weightsOf = async (path: string) => loadParameters(await readCheckpoint(path));
const bytesOf = ({ data }: { data: ArrayBufferView }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** The weights of two checkpoints differ by rounding alone, in the leaves that adapters are of. */
async function expectSame(checkpoint: string, other: string): Promise<void> {
  const [own, wanted] = [await weightsOf(checkpoint), await weightsOf(other)];
  for (const leaf of loraBases(config.lora!)) {
    const [a, b] = [own.get(leaf)!.data, wanted.get(leaf)!.data] as [Float32Array, Float32Array];
    const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const error = a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
    expect(error / largest, leaf).toBeLessThan(1e-3);
  }
}

describe('training adapters', () => {
  it('changes their bases and what else is trained, nothing that is frozen, and holds no more than that', async () => {
    const { checkpoint } = await train(optionsOf('straight'));
    const [before, after] = [await weightsOf(base), await weightsOf(checkpoint)];
    expect([...after.keys()]).toEqual([...before.keys()]);
    const lora = config.lora!;
    const bases = loraBases(lora);
    const { config: model } = await readCheckpoint(checkpoint);
    const frozen = frozenLeaves(model, config).filter((leaf) => !bases.includes(leaf));
    for (const leaf of before.keys()) {
      const same = bytesOf(before.get(leaf)!).equals(bytesOf(after.get(leaf)!));
      if (bases.includes(leaf)) expect(same, leaf).toBe(false);
      if (frozen.includes(leaf)) expect(same, leaf).toBe(true);
    }
    expect(frozen).toContain('PaliGemma/llm/layers/pre_attention_norm/scale');
    expect(frozen).toContain('PaliGemma/img/head/kernel');
    const state = await readSafetensors(join(checkpoint, 'train.safetensors'));
    const named = (kind: string) => [...state.keys()].filter((name) => name.startsWith(`${kind}/`));
    for (const kind of ['parameters', 'm', 'v'])
      for (const leaf of [...bases, ...frozen]) expect(state.has(`${kind}/${leaf}`), leaf).toBe(false);
    expect(named('ema')).toHaveLength(14);
    expect(named('ema').every((name) => name.includes('/lora_'))).toBe(true);
    expect([...(await readSafetensors(join(folder, 'straight/base.safetensors'))).keys()].sort()).toEqual(bases.sort());
    const lines = (await readFile(join(folder, 'straight/metrics.jsonl'), 'utf8')).trim().split('\n');
    const { gradientNorms } = JSON.parse(lines[1]!);
    expect(gradientNorms.lora).toBeGreaterThan(0);
    expect(gradientNorms).not.toHaveProperty('vlm');
    expect(gradientNorms).not.toHaveProperty('vision');
  });

  it('gives the same bytes interrupted and resumed as in one go, without --init and its folder', async () => {
    const stop = new AbortController();
    const { init: _, ...bare } = optionsOf('halves', { resume: true });
    await train(optionsOf('halves', { signal: stop.signal, onStep: (step) => step === 2 && stop.abort() }));
    const away = join(folder, 'base elsewhere');
    await rename(join(folder, 'halves/base.safetensors'), away);
    await expect(train(bare)).rejects.toThrow(/base.safetensors: is gone. It holds the weights that the adapters/);
    await rename(away, join(folder, 'halves/base.safetensors'));
    await expect(train({ ...bare, config: { ...config, lora: { ...config.lora!, rank: 2 } } })).rejects.toThrow(
      /another config.lora.rank \(got 2, the run has 4\)/,
    );
    await train(bare);
    for (const file of ['params.safetensors', 'train.safetensors'])
      expect(await hashOf('halves/checkpoints/000004', file)).toBe(await hashOf('straight/checkpoints/000004', file));
    const looks = async (out: string) =>
      (await readFile(join(folder, out, 'validation.jsonl'), 'utf8')).replaceAll(/"time":[\d.]+,/g, '');
    expect(await looks('halves')).toBe(await looks('straight'));
  });

  it('leaves an ordinary checkpoint, which plans, starts another training and reckons with less memory', async () => {
    const checkpoint = await readCheckpoint(join(folder, 'straight/checkpoints/latest'));
    expect(checkpoint.card).toMatchObject({ lora: { rank: 4, alpha: 8, targets: ['attn', 'ffn'] } });
    const planner = await createPlanner(checkpoint, { threads: 1 });
    const picture = { width: 32, height: 32, channels: 3 as const, data: new Uint8Array(32 * 32 * 3) };
    const pictures = { head: picture, left_wrist: picture, right_wrist: picture };
    const [plan] = await planner.plan([{ taskId: 0, stage: 0, state: new Float32Array(23), pictures, seed: 'a' }]);
    expect(plan!.actions.every(Number.isFinite)).toBe(true);
    await planner.close();
    const init = join(folder, 'straight/checkpoints/latest');
    const again = await train(optionsOf('again', { init, config: { ...config, lora: null, steps: 1 } }));
    expect(again.step).toBe(1);
    const { config: model } = checkpoint;
    const bytes = (how: Pick<TrainConfig, 'freeze' | 'lora'>) =>
      trainingMemory(model, 4, trainedWith(model, how), { lora: how.lora }).state;
    const adapters = bytes(config);
    expect(adapters).toBeLessThan(bytes({ freeze: ['visionTower'], lora: null }));
    expect(adapters).toBeGreaterThan(bytes({ freeze: ['visionTower', 'vlm'], lora: null }));
    expect(trainingRefusal({ ...config, model }, 1)?.reason).toMatch(/training needs/);
    expect((await stat(join(init, 'train.safetensors'))).size).toBeLessThan(
      (await stat(join(base, 'train.safetensors'))).size,
    );
  });

  describe('layer by layer', () => {
    const layers = (out: string, more: Partial<TrainOptions> = {}) =>
      optionsOf(out, { config: { ...config, layerwise: true }, ...more });
    const baseOf = async (out: string) => [...(await readSafetensors(join(folder, out, 'base.safetensors'))).keys()];

    it('follows the same curve, with what is frozen in a file of its own', async () => {
      const said: string[] = [];
      const { checkpoint } = await train(layers('layers', { log: (line) => said.push(line) }));
      const { config: model } = await readCheckpoint(checkpoint);
      expect((await baseOf('layers')).sort()).toEqual(frozenLeaves(model, config).sort());
      await expectSame(checkpoint, join(folder, 'straight/checkpoints/latest'));
      const looks = await Promise.all(
        ['layers', 'straight'].map(async (out) => {
          const lines = (await readFile(join(folder, out, 'validation.jsonl'), 'utf8')).trim().split('\n');
          return lines.map((line) => JSON.parse(line)['loss'] as number);
        }),
      );
      for (const [i, loss] of looks[0]!.entries()) expect(loss).toBeCloseTo(looks[1]![i]!, 4);
      expect(said.filter((line) => /^memory: about \d+ MB \(weights/.test(line))).toHaveLength(1);
      expect(said.filter((line) => /^first update: [\d.]+ s; memory now .* at most/.test(line))).toHaveLength(1);
    });

    it('gives the same bytes interrupted and resumed as in one go, without the folder of --init', async () => {
      const stop = new AbortController();
      await train(layers('layers halves', { signal: stop.signal, onStep: (step) => step === 2 && stop.abort() }));
      const away = join(folder, 'away');
      await rename(join(folder, 'base'), away);
      const { init: _, ...bare } = layers('layers halves', { resume: true });
      await train({ ...bare, stats: stats.replace(join(folder, 'base'), away) });
      await rename(away, join(folder, 'base'));
      for (const file of ['params.safetensors', 'train.safetensors'])
        expect(await hashOf('layers halves/checkpoints/000004', file), file).toBe(
          await hashOf('layers/checkpoints/000004', file),
        );
    });

    it('takes over a run that was begun otherwise, and gives it back', async () => {
      const half = (n: number) => {
        const stop = new AbortController();
        return { signal: stop.signal, onStep: (step: number) => step === n && stop.abort() };
      };
      const { init: _, ...bare } = optionsOf('mixed', { resume: true });
      await train(optionsOf('mixed', half(1)));
      const said: string[] = [];
      const mixed = { ...bare, config: { ...config, layerwise: true }, log: (line: string) => void said.push(line) };
      await train({ ...mixed, ...half(2) });
      expect(said).toContainEqual(expect.stringMatching(/the run had layerwise false, now true/));
      await train(bare);
      await expectSame(join(folder, 'mixed/checkpoints/latest'), join(folder, 'straight/checkpoints/latest'));
    });

    it('is reckoned with what it takes, and advised where it is what fits', () => {
      const { full } = configs;
      const size = {
        model: full,
        batch: 1,
        freeze: ['visionTower'],
        lora: { rank: 16, alpha: null, targets: ['attn', 'ffn'] },
      };
      const trains = trainedWith(full, size);
      const { weights, total } = trainingMemory(full, 1, trains, { lora: size.lora, layerwise: true });
      expect(weights).toBeLessThan(3e9);
      expect(total).toBeLessThan(16e9);
      expect(trainingRefusal(size, 20e9)?.advice).toMatch(/fits: --set layerwise=true \(\d+\.\d GB and what the batch/);
      expect(trainingRefusal({ ...size, layerwise: true }, 20e9)).toBeUndefined();
    });
  });

  it('in two ranks follows the curve of one process', async () => {
    const threads = sharedRanks(2);
    const told: string[] = [];
    const tell = (error: unknown) => told.push((error as Error).message);
    await Promise.all([0, 1].map((rank) => trainInRanks({ threads, rank }, optionsOf('ranks'), tell)));
    expect(told).toEqual([]);
    await expectSame(join(folder, 'ranks/checkpoints/latest'), join(folder, 'straight/checkpoints/latest'));
  });
});

it('a configuration says what adapters cannot be', () => {
  const wanted = (lora: unknown) => () => checkTrainConfig({ ...config, lora });
  expect(wanted({ rank: 0 })).toThrow(/lora.rank/);
  expect(wanted({ targets: ['q_prj'] })).toThrow(/lora: there is no target 'q_prj'. Did you mean 'q_proj'/);
  expect(wanted({ rank: 1000 })).toThrow(/rank 1000 is more than a matrix of 32 × /);
  expect(wanted({ alpha: -1 })).toThrow(/lora.alpha/);
  expect(checkTrainConfig({ ...config, lora: {} }).lora).toEqual({ rank: 16, alpha: null, targets: ['attn', 'ffn'] });
});
