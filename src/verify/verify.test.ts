import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHALLENGE_ROBOT, encodeProprioception } from '../robot/index.ts';
import { type Parameters, readSafetensors, writeSafetensors } from '../tensor/index.ts';
import { KINDS } from './kinds/index.ts';
import { countVerdicts, type Verdict, verify } from './verify.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden');
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'valet-verify-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function verdicts(...folders: string[]): Promise<Verdict[]> {
  const out: Verdict[] = [];
  for await (const verdict of verify(folders)) out.push(verdict);
  return out;
}

/** A copy of a committed case that may be damaged. */
async function copyOf(name: string, as = name): Promise<string> {
  const folder = join(scratch, as);
  await rm(folder, { recursive: true, force: true });
  await cp(join(GOLDEN, name), folder, { recursive: true });
  return folder;
}

async function editJson(path: string, edit: (value: never) => void): Promise<void> {
  const value = JSON.parse(await readFile(path, 'utf8'));
  edit(value as never);
  await writeFile(path, JSON.stringify(value));
}

async function editTensors(path: string, edit: (tensors: Parameters) => void): Promise<void> {
  const tensors = await readSafetensors(path);
  edit(tensors);
  await writeSafetensors(path, tensors);
}

const bad = (all: Verdict[]) => all.filter(({ pass }) => pass !== true);

describe('the committed cases', () => {
  it.each([
    ['sincos', 20],
    ['tree-full', 1],
    ['network-tiny', 205],
    ['sampler', 46],
    ['optimizer', 8],
    ['optimizer-weight-decay', 8],
    ['train-steps', 8],
    ['compression', 17],
    ['rules', 3],
    ['stages', 2],
    ['routing', 3],
  ])('%s: all of its %i quantities pass', async (name, count) => {
    const all = await verdicts(join(GOLDEN, name));
    expect(bad(all)).toEqual([]);
    expect(all.length).toBe(count);
    for (const { error, tolerance } of all) expect(error).toBeLessThanOrEqual(tolerance!);
  });

  it('executor, with its proprioception written out', async () => {
    const folder = await copyOf('executor');
    const file = join(folder, 'traces.safetensors');
    await editTensors(file, (tensors) => {
      for (const [name, { shape, data }] of [...tensors])
        if (name.endsWith('.proprio25')) tensors.set(name.replace('25', ''), written(shape[0]!, data as Float32Array));
    });
    const traces = Object.keys(JSON.parse(await readFile(join(folder, 'traces.json'), 'utf8')));
    const quantities = traces.flatMap((trace) =>
      ['action', 'planned', 'stage_after', 'buffer_index_after'].map((what) => ({
        name: `${trace}.${what}`,
        file: 'traces.safetensors',
        tensor: `${trace}.${what}`,
        tolerance_absolute: what === 'action' ? 1e-6 : 0,
      })),
    );
    const plans = { name: 'plans', file: 'traces.json', tensor: '<trace>.plans', tolerance_absolute: 0 };
    await writeFile(
      join(folder, 'manifest.json'),
      JSON.stringify({ kind: 'executor', quantities: [...quantities, plans] }),
    );
    const all = await verdicts(folder);
    expect(bad(all)).toEqual([]);
    expect(all.length).toBe(traces.length * 4 + 1);
  });

  it('statistics, with its episodes written out', async () => {
    const folder = await copyOf('statistics-small');
    const episodes = await readSafetensors(join(folder, 'episodes.safetensors'));
    await mkdir(join(folder, 'episodes'));
    for (let e = 0; episodes.has(`action_${e}`); e++) {
      const action = episodes.get(`action_${e}`)!;
      const state = written(action.shape[0]!, episodes.get(`proprio25_${e}`)!.data as Float32Array);
      const path = join(folder, 'episodes', `episode_${String(e).padStart(3, '0')}.safetensors`);
      await writeSafetensors(
        path,
        new Map([
          ['action', action],
          ['state', state],
        ]),
      );
    }
    const exact = await readSafetensors(join(folder, 'exact.safetensors'));
    const quantities = [...exact.keys()].map((name) => ({
      name: `exact_${name}`,
      file: 'exact.safetensors',
      tensor: name,
      tolerance_absolute: name === 'spatial' || name === 'temporal' ? 1e-6 : 2e-7,
    }));
    await writeFile(
      join(folder, 'manifest.json'),
      JSON.stringify({ kind: 'statistics', config: { horizon: 30 }, quantities }),
    );
    const all = await verdicts(folder);
    expect(bad(all)).toEqual([]);
    expect(all.length).toBe(14);
  });
});

/** The 256 proprioception numbers of `rows` rows of the 25 that the state needs. */
function written(rows: number, x: Float32Array) {
  const data = new Float32Array(rows * 256);
  for (let i = 0; i < rows; i++) {
    const part = (start: number, end: number) => x.subarray(25 * i + start, 25 * i + end);
    const all = encodeProprioception(CHALLENGE_ROBOT, 256, {
      base_qvel: part(0, 3),
      trunk_qpos: part(3, 7),
      arm_left_qpos: part(7, 14),
      gripper_left_qpos: part(14, 16),
      arm_right_qpos: part(16, 23),
      gripper_right_qpos: part(23, 25),
    });
    data.set(all, i * 256);
  }
  return { shape: [rows, 256], dtype: 'float32' as const, data };
}

describe('a damaged case', () => {
  it('with a changed number names the element', async () => {
    const folder = await copyOf('sincos');
    await editTensors(join(folder, 'sincos.safetensors'), (tensors) => {
      tensors.get('time/encoding_32')!.data[2 * 32 + 5]! = 0.75;
    });
    const all = await verdicts(folder);
    expect(bad(all).map(({ quantity }) => quantity)).toEqual(['time/encoding_32']);
    const [failure] = bad(all);
    expect(failure).toMatchObject({ pass: false, kind: 'sincos', worst: { index: [2, 5], expected: 0.75 } });
    expect(failure!.error).toBeGreaterThan(failure!.tolerance!);
    expect(failure!.message).toMatch(/^\[2, 5\]: got 1, expected 0\.75$/);
  });

  it('with a changed gradient names the leaf and the element', async () => {
    const folder = await copyOf('optimizer');
    await editTensors(join(folder, 'expected.safetensors'), (tensors) => {
      const [name] = [...tensors.keys()].filter((key) => key.startsWith('step07/ema/'));
      (tensors.get(name!)!.data as Float32Array)[3]! += 0.01;
    });
    const off = bad(await verdicts(folder));
    expect(off.map(({ quantity }) => quantity)).toEqual(['ema']);
    expect(off[0]!.worst!.tensor).toMatch(/^step07\/ema\//);
    expect(off[0]!.message).toMatch(/1 of \d+ tensors are off: step07\/ema/);
  });

  it('with a missing tensor, a missing file or a broken file fails and says what is wrong', async () => {
    const missing = await copyOf('sincos', 'missing');
    await editTensors(join(missing, 'sincos.safetensors'), (tensors) => tensors.delete('stage/frequency_12'));
    const [tensor] = bad(await verdicts(missing));
    expect(tensor).toMatchObject({ quantity: 'stage/frequency_12', pass: false, error: null });
    expect(tensor!.message).toMatch(/has no tensor stage\/frequency_12\. The nearest is (stage|time)\/frequency_/);

    const gone = await copyOf('sincos', 'gone');
    await rm(join(gone, 'sincos.safetensors'));
    const all = await verdicts(gone);
    expect(countVerdicts(all)).toEqual({ passed: 0, failed: 20, unknown: 0 });
    expect(all[0]!.message).toMatch(/sincos\.safetensors: cannot be read \(ENOENT\)/);

    const cut = await copyOf('sincos', 'cut');
    await writeFile(join(cut, 'sincos.safetensors'), 'no tensors');
    expect(countVerdicts(await verdicts(cut)).failed).toBe(20);
  });

  it('with an unknown kind or quantity counts as unknown, never as passed', async () => {
    const kind = await copyOf('tree-full', 'kind');
    await editJson(join(kind, 'manifest.json'), (manifest: { kind: string }) => {
      manifest.kind = 'constructor';
    });
    const [verdict] = await verdicts(kind);
    expect(verdict).toMatchObject({ pass: null, message: 'kind constructor is not built' });

    const quantity = await copyOf('stages', 'quantity');
    await editJson(join(quantity, 'manifest.json'), (manifest: { quantities: { tensor: string }[] }) => {
      manifest.quantities[0]!.tensor = 'task';
    });
    expect(countVerdicts(await verdicts(quantity))).toEqual({ passed: 1, failed: 0, unknown: 1 });
  });

  it.each([
    ['{', /is not valid JSON/],
    ['{"title": "no kind"}', /kind/],
    ['{"kind": "sincos", "quantities": [{"name": 3}]}', /quantities\.0\.name/],
    ['{"kind": "sincos", "quantities": []}', /lists no quantities/],
  ])('with the manifest %s fails, and the other cases go on', async (text, message) => {
    const all = join(scratch, 'several');
    await rm(all, { recursive: true, force: true });
    await copyOf('tree-full', 'several/b');
    await copyOf('stages', 'several/c');
    await mkdir(join(all, 'a'));
    await writeFile(join(all, 'a/manifest.json'), text);
    const got = await verdicts(all);
    expect(countVerdicts(got)).toEqual({ passed: 3, failed: 1, unknown: 0 });
    expect(got[0]).toMatchObject({ case: 'a', pass: false });
    expect(got[0]!.message).toMatch(message);
  });

  it('is not a folder without cases', async () => {
    await mkdir(join(scratch, 'empty'), { recursive: true });
    await expect(verdicts(join(scratch, 'empty'))).rejects.toThrow(/no manifest\.json at or below it/);
    await expect(verdicts(join(scratch, 'nowhere'))).rejects.toThrow(/cannot be read \(ENOENT\)/);
  });
});

describe('names', () => {
  it('depend on where the search began, and change nothing', async () => {
    const folder = await copyOf('stages', 'deep/er/any name');
    expect((await verdicts(join(scratch, 'deep')))[0]!.case).toBe('er/any name');
    expect((await verdicts(folder))[0]!.case).toBe('any name');
    expect(bad(await verdicts(folder, folder))).toEqual([]);
  });
});

it('the page says of every kind what it is computed with', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/verify.md'), 'utf8');
  const table = page.slice(page.indexOf('## Kinds'), page.indexOf('## Rounding'));
  const named = table
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g)].map(([, kind]) => kind));
  expect(named.sort()).toEqual(Object.keys(KINDS).sort());
});
