import { createHash } from 'node:crypto';
import { access, cp, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { smallTraining, writeFakeSet } from '../../test/support/training.ts';
import { createPlanner, loadParameters, readCheckpoint } from '../model/index.ts';
import { checkTrainConfig, type TrainConfig } from './config.ts';
import { loadTrainConfig } from './configFile.ts';
import type { TrainOptions } from './options.ts';
import { applySettings } from './settings.ts';
import { train } from './train.ts';

// A training run starts worker threads; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const STATS = 'assets/household/norm_stats.json';

let folder: string;
let data: string;
let stats: string;
let first: string;
let config: TrainConfig;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-train-'));
  data = join(folder, 'data');
  await writeFakeSet(
    data,
    [0, 1, 2, 3].map((seed) => ({ length: 40 + seed, seed })),
  );
  config = await smallTraining({
    steps: 6,
    checkpointEvery: 3,
    keepCheckpoints: 1,
  });
  // The first run computes the statistics; the others read them.
  first = (await train({ config: { ...config, steps: 1 }, data: [data], out: join(folder, 'first'), threads: 1 }))
    .checkpoint;
  stats = join(first, STATS);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (out: string, more: Partial<TrainOptions> = {}) =>
  train({ config, data: [data], out: join(folder, out), threads: 1, seed: 3, stats, ...more });

const hashOf = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
/** SHA-256 of every file of a checkpoint folder. */
const hashesOf = async (checkpoint: string) => {
  const entries = await readdir(checkpoint, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.sort().map(async (file) => [file.slice(checkpoint.length), await hashOf(file)]));
};
const lines = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('train', () => {
  it('gives the same bytes interrupted and resumed as in one go', async () => {
    const straight = await run('straight');
    expect(straight).toMatchObject({ step: 6, steps: 6 });
    const stop = new AbortController();
    const half = await run('halves', { signal: stop.signal, onStep: (step) => step === 3 && stop.abort() });
    expect(half).toMatchObject({ step: 3, stopped: 'interrupted' });
    const whole = await run('halves', { resume: true });
    expect(whole.step).toBe(6);
    const hashes = await hashesOf(straight.checkpoint);
    expect(hashes).toHaveLength(5);
    expect(await hashesOf(whole.checkpoint)).toEqual(hashes);
    const comparable = async (out: string) =>
      (await lines(join(folder, out, 'metrics.jsonl'))).map(({ step, loss, gradientNorm }) => ({
        step,
        loss,
        gradientNorm,
      }));
    expect(await comparable('halves')).toEqual(await comparable('straight'));
    expect((await comparable('straight')).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('writes into its checkpoints how the policy plans', async () => {
    const session = { executeActions: 13, executeSteps: 10, keepActions: null, historyLength: null, votes: null };
    const plans = { ...config, steps: 1, checkpointEvery: 1, noiseScale: 0.5, session };
    const { checkpoint } = await run('plans', { config: plans });
    const { policy } = JSON.parse(await readFile(join(checkpoint, 'config.json'), 'utf8'));
    expect(policy).toMatchObject({ noiseScale: 0.5, session: { executeActions: 13, executeSteps: 10 } });
    expect(Object.keys(policy.session)).toHaveLength(2);
  });

  it('goes on from the newest whole checkpoint, whatever became of latest', { timeout: 600_000 }, async () => {
    const kept = { ...config, keepCheckpoints: 5, steps: 4, checkpointEvery: 2 };
    const straight = await run('all six', { config: { ...config, steps: 6 } });
    const stop = new AbortController();
    const six = { ...kept, steps: 6 };
    await run('torn', { config: six, signal: stop.signal, onStep: (step) => step === 4 && stop.abort() });
    const at = (...names: string[]) => join(folder, 'torn', 'checkpoints', ...names);
    const resume = (out: string, more: Partial<TrainOptions> = {}) => {
      const said: string[] = [];
      const log = (line: string) => void said.push(line);
      return run(out, { resume: true, config: six, log, ...more }).then((result) => ({
        result,
        said: said.join('\n'),
      }));
    };
    // Copied by a program that follows links: the newest stands there as a folder.
    const copy = async (name: string) => {
      await cp(join(folder, 'torn'), join(folder, name), { recursive: true, verbatimSymlinks: true });
      return join(folder, name, 'checkpoints');
    };
    const copied = await copy('copied');
    await rm(join(copied, 'latest'));
    await rename(join(copied, '000004'), join(copied, 'latest'));
    const missing = await copy('missing');
    await rm(join(missing, 'latest'));
    const broken = await copy('broken');
    await truncate(join(broken, '000004', 'train.safetensors'), 100);

    const moved = join(folder, 'moved data');
    await cp(data, moved, { recursive: true });
    const easy = { ...six, checkpointEvery: 1, logEvery: 2, keepCheckpoints: 2 };
    const first = await resume('missing', { data: [moved], config: easy, seed: undefined, threads: undefined });
    expect(first.said).toMatch(/goes on after step 4 .*000004/);
    const hashes = await hashesOf(straight.checkpoint);
    const params = (all: typeof hashes) => all.filter(([file]) => /safetensors|norm_stats/.test(String(file)));
    expect(params(await hashesOf(first.result.checkpoint))).toEqual(params(hashes));

    const second = await resume('copied');
    expect(second.said).toMatch(/goes on after step 4 .*latest/);
    expect((await readdir(copied)).sort()).toEqual(['000002', '000006', 'copied-before-6', 'latest']);
    expect(params(await hashesOf(second.result.checkpoint))).toEqual(params(hashes));

    const third = await resume('broken');
    expect(third.said).toMatch(/passed over: .*000004[\s\S]*goes on after step 2/);
    expect((await lines(join(folder, 'broken', 'metrics.jsonl'))).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);

    // Nothing is begun again over what was there, and nothing is touched.
    const before = await hashesOf(join(folder, 'torn'));
    await expect(resume('torn', { config: { ...six, steps: 3 } })).rejects.toThrow(/3 is less than the 4 updates/);
    const other = JSON.parse(await readFile(stats, 'utf8'));
    const text = JSON.stringify(other).replace(/(\d\.\d*?)(\d)([,\]])/, (_, a, b, c) => a + ((Number(b) + 5) % 10) + c);
    await writeFile(join(folder, 'other.json'), text);
    await expect(resume('torn', { stats: join(folder, 'other.json') })).rejects.toThrow(
      /other statistics than the run/,
    );
    await expect(resume('torn', { seed: 4 })).rejects.toThrow(/another seed/);
    await expect(resume('torn', { data: [`${data}:2`] })).rejects.toThrow(/another data/);
    expect(await hashesOf(join(folder, 'torn'))).toEqual(before);
    for (const name of ['000002', '000004']) await truncate(at(name, 'params.safetensors'), 10);
    await expect(resume('torn')).rejects.toThrow(/none of its checkpoints is whole, and nothing was changed/);
    for (const name of ['000002', '000004', 'latest']) await rm(at(name), { recursive: true });
    await expect(resume('torn')).rejects.toThrow(/its checkpoints are gone \(the run was at step 4\)/);
    expect((await lines(join(folder, 'torn', 'metrics.jsonl'))).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    await rm(join(folder, 'missing', 'run.json'));
    await expect(run('missing')).rejects.toThrow(/holds checkpoints and no run.json/);
  });

  it('is the only one that writes to its folder', async () => {
    const both = await Promise.allSettled([run('twice'), run('twice')]);
    const refused = both.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(String((refused[0] as PromiseRejectedResult).reason)).toMatch(
      /valet train writes there since .*process \d+/,
    );
    expect((await readdir(folder)).filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  it('gives other bytes with another seed', async () => {
    const other = await run('seed', { config: { ...config, steps: 1 } });
    expect(await hashOf(join(other.checkpoint, 'params.safetensors'))).not.toBe(
      await hashOf(join(first, 'params.safetensors')),
    );
  });

  it('keeps the newest checkpoints, and latest names the last; it plans', async () => {
    const out = join(folder, 'straight');
    expect((await readdir(join(out, 'checkpoints'))).sort()).toEqual(['000006', 'latest']);
    const checkpoint = await readCheckpoint(join(out, 'checkpoints', 'latest'));
    expect(checkpoint.card).toMatchObject({ step: 6, seed: 3, tasks: [expect.any(String)] });
    const planner = await createPlanner(checkpoint, { threads: 1 });
    const picture = { width: 32, height: 32, channels: 3 as const, data: new Uint8Array(32 * 32 * 3) };
    const pictures = { head: picture, left_wrist: picture, right_wrist: picture };
    const [plan] = await planner.plan([{ taskId: 0, stage: 0, state: new Float32Array(23), pictures, seed: 'a' }]);
    expect(plan!.actions).toHaveLength(30 * 23);
    expect(plan!.actions.every(Number.isFinite)).toBe(true);
    await planner.close();
  });

  it('learns a batch by heart', async () => {
    const hard = checkTrainConfig({
      ...config,
      steps: 150,
      batch: 8,
      frameStride: 11,
      model: { ...config.model, useCorrelatedNoise: false },
      checkpointEvery: 1000,
      logEvery: 10,
      schedule: { ...config.schedule, peak: 5e-3 },
    });
    await run('overfit', { config: hard });
    const metrics = await lines(join(folder, 'overfit', 'metrics.jsonl'));
    expect(metrics.at(-1).loss).toBeLessThan(0.7 * metrics[0].loss);
    expect(metrics.at(-1)['loss/stage']).toBeLessThan(0.5 * metrics[0]['loss/stage']);
  });

  it('starts from a checkpoint with --init: its averaged weights and statistics', async () => {
    const result = await run('from', {
      init: join(folder, 'straight/checkpoints/latest'),
      config: checkTrainConfig({
        ...config,
        steps: 1,
        model: { ...config.model, useCorrelatedNoise: false },
        schedule: { ...config.schedule, peak: 1e-12 },
      }),
    });
    const a = await loadParameters(await readCheckpoint(result.checkpoint));
    const b = await loadParameters(await readCheckpoint(join(folder, 'straight/checkpoints/latest')));
    for (const [name, { data: values }] of a) {
      const other = b.get(name)!.data as Float32Array;
      expect(Math.max(...(values as Float32Array).map((x, i) => Math.abs(x - other[i]!))), name).toBeLessThan(1e-7);
    }
    expect(await hashOf(join(result.checkpoint, STATS))).toBe(await hashOf(stats));
  });

  it('trains on FAST tokens of two cameras with frozen parts, interrupted and resumed as in one go', async () => {
    const model = { useFastAuxiliary: true, maxFastTokens: 12, fastVocabSize: 300, cameras: ['right_wrist', 'head'] };
    const fast = checkTrainConfig({
      ...config,
      steps: 2,
      checkpointEvery: 1,
      keepCheckpoints: 2,
      model: { ...config.model, ...model, useCorrelatedNoise: false },
      freeze: ['visionTower', 'vlm'],
    });
    await run('fast', { config: fast });
    const metrics = await lines(join(folder, 'fast', 'metrics.jsonl'));
    expect(metrics[0]['loss/fast']).toBeGreaterThan(1);
    const [one, two] = await Promise.all(
      ['000001', '000002'].map(async (n) => loadParameters(await readCheckpoint(join(folder, 'fast/checkpoints', n)))),
    );
    for (const [name, { data: values }] of two!) {
      const frozen = name.startsWith('PaliGemma/img') || (name.startsWith('PaliGemma/llm') && !/_1(\/|$)/.test(name));
      const same = Buffer.from(values.buffer).equals(Buffer.from(one!.get(name)!.data.buffer));
      if (frozen) expect(same, name).toBe(true);
    }
    const moved = (name: string) => two!.get(name)!.data[0] !== one!.get(name)!.data[0];
    expect(['fast_token_proj/bias', 'action_in_proj/kernel', 'task_embeddings/embedding'].some(moved)).toBe(true);
    const stop = new AbortController();
    await run('fast again', { config: fast, signal: stop.signal, onStep: () => stop.abort() });
    await run('fast again', { config: fast, resume: true });
    const last = 'checkpoints/000002';
    for (const file of ['params.safetensors', 'assets/household/fast_tokenizer/tokenizer.json'])
      expect(await hashOf(join(folder, 'fast again', last, file))).toBe(await hashOf(join(folder, 'fast', last, file)));
    const small = { ...fast, model: { ...fast.model, fastVocabSize: 2 } };
    const tokenizer = join(folder, 'fast', last, 'assets/household/fast_tokenizer');
    await expect(run('none', { config: small, tokenizer })).rejects.toThrow(/Set model.fastVocabSize=/);
  });

  it('validates on held-out episodes', async () => {
    const held = checkTrainConfig({
      ...config,
      steps: 2,
      model: { ...config.model, useCorrelatedNoise: false },
      validation: { share: 0.5, every: 1, batches: 2 },
    });
    await run('held', { config: held });
    const validation = await lines(join(folder, 'held', 'validation.jsonl'));
    expect(validation.map(({ step }) => step)).toEqual([1, 2]);
    expect(validation[0].loss).toBeGreaterThan(0);
  });

  it('refuses bad data, a folder in use and another run, and leaves nothing behind', async () => {
    const kind = 'input';
    await expect(run('none', { data: [join(folder, 'nowhere')] })).rejects.toMatchObject({ kind });
    await expect(run('none', { stats: join(folder, 'nowhere.json') })).rejects.toMatchObject({ kind });
    await expect(run('none', { config: { ...config, memoryGiB: 1e-6, stream: 'never' } })).rejects.toThrow(/GiB/);
    await expect(access(join(folder, 'none'))).rejects.toThrow();
    await expect(run('straight')).rejects.toThrow(/--resume/);
    await expect(run('straight', { resume: true, config: { ...config, batch: 2 } })).rejects.toThrow(
      /another config.batch \(got 2, the run has 4\)/,
    );
  });
});

describe('settings', () => {
  it('change what they name, and only what exists', () => {
    expect(applySettings(config, ['schedule.peak=0.5', 'stageLabels=time']).schedule.peak).toBe(0.5);
    expect(() => applySettings(config, ['schedule.peek=1'])).toThrow("Did you mean 'schedule.peak'?");
    for (const [old, now] of [
      ['model.stageLossWeight=1', 'model.subtaskLossWeight'],
      ['insulation=true', 'model.useKnowledgeInsulation'],
      ['model.use_kv_transform=false', 'model.useKvTransform'],
      ['model.fast.lossWeight=1', 'model.useFastAuxiliary, fastLossWeight'],
      ['noiseCorrelation=0.2', 'model.correlationBeta'],
    ] as const)
      expect(() => applySettings(config, [old]), old).toThrow(`It is now '${now}`);
    expect(() => applySettings(config, ['flowSamples=2'])).toThrow("Did you mean 'model.flowSamples'?");
    const { model } = config;
    expect(() => checkTrainConfig({ ...config, model: { ...model, stageLossWeight: 1 } })).toThrow(
      /the key stageLossWeight is now subtaskLossWeight/,
    );
    expect(() => applySettings(config, ['batch.size=1'])).toThrow(/'batch' is a value/);
    expect(() => applySettings(config, ['batch'])).toThrow(/has no value/);
    expect(() => checkTrainConfig(applySettings(config, ['batch=many']))).toThrow(/batch/);
  });

  it('a file fills what it does not say from its base', async () => {
    const write = (name: string, value: object) => writeFile(join(folder, name), JSON.stringify(value));
    await write('wide.json', {
      base: 'nano',
      model: { layers: 6, stem: { kind: 'patch' }, patchSize: 16 },
      freeze: [],
    });
    await write('wider.json', { base: 'wide.json', model: { visionLayers: 3 }, batch: 8 });
    const nano = await loadTrainConfig('nano');
    const model = { ...nano.model, layers: 6, visionLayers: 3, stem: { kind: 'patch' }, patchSize: 16 };
    expect(await loadTrainConfig(join(folder, 'wider.json'))).toEqual({ ...nano, model, batch: 8 });
    // What --print-config prints is a whole one.
    await write('whole.json', nano);
    expect(await loadTrainConfig(join(folder, 'whole.json'))).toEqual(nano);
    await write('part.json', { batch: 8 });
    await expect(loadTrainConfig(join(folder, 'part.json'))).rejects.toThrow(/needs "base": one of nano, dummy, full/);
    await write('odd.json', { base: 'nanno' });
    await expect(loadTrainConfig(join(folder, 'odd.json'))).rejects.toThrow(/odd\.json: base: .*Did you mean 'nano'/);
    await write('circle.json', { base: './circle.json' });
    await expect(loadTrainConfig(join(folder, 'circle.json'))).rejects.toThrow(/is its own base/);
    await write('typo.json', { base: 'nano', bach: 8 });
    await expect(loadTrainConfig(join(folder, 'typo.json'))).rejects.toThrow(/bach/);
  });

  it('has presets by name', async () => {
    expect((await loadTrainConfig('nano')).model.imageSize).toBe(64);
    await expect(loadTrainConfig('nanno')).rejects.toThrow("Did you mean 'nano'?");
  });
});
