import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configOfGoldenCase } from '../../../test/support/networkConfig.ts';
import { readSafetensors } from '../../tensor/index.ts';
import { parameterTree } from '../network/tree.ts';
import { exportCheckpoint } from './exportCheckpoint.ts';
import { importCheckpoint } from './importCheckpoint.ts';
import { openTree } from './openTree.ts';
import { readLeaf } from './readLeaf.ts';
import { guessConfig, layoutOf } from './recognise.ts';

const BASE = join(import.meta.dirname, '../../../test/golden/checkpoint-pi05-base');
const manifest = JSON.parse(readFileSync(join(BASE, 'manifest.json'), 'utf8'));
let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'valet-import-'));
});
afterAll(() => rmSync(place, { recursive: true }));

describe('a Pi0.5 base', () => {
  const config = { fastVocabSize: 24 };

  it('gives the leaves that it has; the others are drawn as the original draws them', async () => {
    const out = join(place, 'start');
    const { layout, plan } = await importCheckpoint(join(BASE, 'checkpoint'), out, { config, seed: 1 });
    expect(layout).toBe('pi05');
    expect([...plan.taken].sort()).toEqual(manifest.config.taken_from_base);
    expect([...plan.fresh].sort()).toEqual(manifest.config.stay_at_initialisation);
    const got = await readSafetensors(join(out, 'params.safetensors'));
    for (const [name, { data }] of await readSafetensors(join(BASE, 'expected.safetensors')))
      expect([name, got.get(name)!.data]).toEqual([name, data]);
    const golden = configOfGoldenCase(manifest.config, { use_fast_auxiliary: true });
    expect([...got].map(([name, { shape }]) => [name, [...shape]]).sort()).toEqual(
      parameterTree(golden)
        .map(({ name, shape }) => [name, [...shape]])
        .sort(),
    );
    const numbers = (name: string) => [...(got.get(name)!.data as Float32Array)];
    expect(numbers('gate_task/bias').every((x) => x === 0)).toBe(true);
    expect(numbers('kv_transform/k_coeffs')).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    // lecun_normal over 64 inputs: variance 1/64, nothing beyond two deviations of the normal that was cut
    const kernel = numbers('fusion_layer1/kernel');
    expect(Math.sqrt(kernel.reduce((sum, x) => sum + x * x, 0) / kernel.length)).toBeCloseTo(1 / 8, 2);
    expect(Math.max(...kernel.map(Math.abs))).toBeLessThanOrEqual(2 / 8 / 0.8796 + 1e-6);
    const table = numbers('task_stage_embeddings/embedding'); // [596, 16], variance 1/16
    expect(Math.sqrt(table.reduce((sum, x) => sum + x * x, 0) / table.length)).toBeCloseTo(1 / 4, 2);
  });

  it('draws the same with the same seed, and something else with another', async () => {
    const read = async (name: string, seed: number) => {
      await importCheckpoint(join(BASE, 'checkpoint'), join(place, name), { config, seed });
      return readFileSync(join(place, name, 'params.safetensors'));
    };
    const [a, b, c] = [await read('a', 5), await read('b', 5), await read('c', 6)];
    expect([a.equals(b), a.equals(c)]).toEqual([true, false]);
  });

  it('may not have another shape', async () => {
    const options = { config: { ...config, expertMlpDim: 44 } };
    await expect(importCheckpoint(join(BASE, 'checkpoint'), join(place, 'no'), options)).rejects.toThrow(
      /mlp_1\/gating_einsum is \[3, 2, 32, 40\] \(expected \[3, 2, 32, 44\]\)/,
    );
  });
});

describe('tables of tasks and stages', () => {
  it('grow; the old rows stay', async () => {
    await importCheckpoint(join(BASE, 'checkpoint'), join(place, 'fifty'), { config: { fastVocabSize: 24 } });
    const { config, plan } = await importCheckpoint(join(place, 'fifty'), join(place, 'hundred'), {
      tasks: 100,
      newStages: [7],
    });
    expect(config.taskNumStages.slice(48)).toEqual([15, 15, ...new Array(50).fill(7)]);
    expect([...plan.extended]).toEqual([
      ['task_embeddings/embedding', 50],
      ['task_stage_embeddings/embedding', 596],
    ]);
    const [old, grown] = await Promise.all(
      ['fifty', 'hundred'].map((name) => readSafetensors(join(place, name, 'params.safetensors'))),
    );
    for (const [name, { data }] of old!)
      expect([name, grown!.get(name)!.data.subarray(0, data.length)]).toEqual([name, data]);
    expect(grown!.get('task_stage_embeddings/embedding')!.shape).toEqual([596 + 350, 16]);
    expect(
      (grown!.get('task_embeddings/embedding')!.data as Float32Array).subarray(50 * 32).every((x) => x !== 0),
    ).toBe(true);
    await expect(importCheckpoint(join(place, 'hundred'), join(place, 'x'), { tasks: 50 })).rejects.toThrow(
      'Tables only grow',
    );
  });
});

describe('export', () => {
  it('and import again give the same numbers, as openpi and as safetensors', async () => {
    const start = join(place, 'whole');
    await importCheckpoint(join(BASE, 'checkpoint'), start, { config: { fastVocabSize: 24 } });
    await exportCheckpoint(start, join(place, 'openpi'), { format: 'openpi', partial: true });
    await exportCheckpoint(start, join(place, 'one.safetensors'), { format: 'safetensors' });
    const tree = await openTree(join(place, 'openpi'));
    expect([layoutOf(tree), tree.container]).toEqual(['winner', 'orbax, one folder per array']);
    expect(tree.leaves.get('action_correlation_cholesky')!.shape).toEqual([960, 960]);
    const { taskNumStages, expertWidth, imageSize } = guessConfig(tree.leaves, 'here');
    expect([taskNumStages.length, expertWidth, imageSize]).toEqual([50, 32, 42]);
    for (const from of ['openpi', 'one.safetensors']) {
      await importCheckpoint(join(place, from), join(place, `${from}-back`));
      expect([
        from,
        readFileSync(join(place, `${from}-back`, 'params.safetensors')).equals(
          readFileSync(join(start, 'params.safetensors')),
        ),
      ]).toEqual([from, true]);
    }
  });

  it('to bfloat16 rounds, and halves the bytes', async () => {
    await exportCheckpoint(join(place, 'whole'), join(place, 'half.safetensors'), {
      format: 'safetensors',
      dtype: 'bfloat16',
    });
    const { leaves } = await openTree(join(place, 'half.safetensors'));
    const [wide, narrow] = [(await openTree(join(place, 'whole'))).leaves, leaves].map(
      (all) => all.get('gate_task/kernel')!,
    );
    expect(narrow!.dtype).toBe('bfloat16');
    const [a, b] = [await readLeaf(wide!), await readLeaf(narrow!)];
    const off = [...(a.data as Float32Array)].filter((x, i) => Math.abs(x - Number(b.data[i])) > Math.abs(x) / 256);
    expect(off).toEqual([]);
  });
});

describe('an import that fails', () => {
  it('leaves nothing behind and can be started again', async () => {
    const broken = join(place, 'broken');
    await cp(join(BASE, 'checkpoint'), broken, { recursive: true });
    const data = readdirSync(join(broken, 'params/ocdbt.process_0/d')).map((name) =>
      join(broken, 'params/ocdbt.process_0/d', name),
    );
    for (const file of data) truncateSync(file, Math.max(1, Math.floor(readFileSync(file).length / 2)));
    const before = readdirSync(place).sort();
    const out = join(place, 'never');
    await expect(importCheckpoint(broken, out, { config: { fastVocabSize: 24 } })).rejects.toMatchObject({
      kind: 'input',
    });
    expect(readdirSync(place).sort()).toEqual(before);
    const stopped = new AbortController();
    stopped.abort(new Error('stopped'));
    await expect(importCheckpoint(join(BASE, 'checkpoint'), out, { signal: stopped.signal })).rejects.toThrow(
      'stopped',
    );
    expect(readdirSync(place).sort()).toEqual(before);
    await importCheckpoint(join(BASE, 'checkpoint'), out, { config: { fastVocabSize: 24 } });
    expect(existsSync(join(out, 'config.json'))).toBe(true);
    await expect(importCheckpoint(join(BASE, 'checkpoint'), out)).rejects.toThrow('exists already');
  });
});
