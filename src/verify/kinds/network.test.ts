import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Parameters, readSafetensors, writeSafetensors } from '../../tensor/index.ts';
import type { VerifyOptions } from '../kind.ts';
import { firstOff } from '../order.ts';
import { type Verdict, verify } from '../verify.ts';

const GOLDEN = join(import.meta.dirname, '../../../test/golden');
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'valet-network-'));
  // The sampler's case builds on the other's parameters, beside it.
  await cp(join(GOLDEN, 'network-tiny/params.safetensors'), join(scratch, 'network-tiny/params.safetensors'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

interface Manifest {
  config: Record<string, unknown>;
  subcases: Record<string, Record<string, unknown>>;
  quantities: { name: string; file: string; tensor?: string; tolerance_relative?: number }[];
}

/** A copy of a case whose manifest and parameters may be changed. */
async function changed(
  name: string,
  edit: { manifest?: (manifest: Manifest) => void; params?: (params: Parameters) => void },
): Promise<string> {
  const folder = await mkdtemp(join(scratch, `${name}-`));
  await cp(join(GOLDEN, name), folder, { recursive: true });
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  edit.manifest?.(manifest);
  await writeFile(path, JSON.stringify(manifest));
  if (edit.params) {
    const file = join(folder, 'params.safetensors');
    const params = await readSafetensors(file);
    edit.params(params);
    await writeSafetensors(file, params);
  }
  return folder;
}

async function verdicts(folder: string, options: VerifyOptions = {}): Promise<Verdict[]> {
  const out: Verdict[] = [];
  for await (const verdict of verify([folder], options)) out.push(verdict);
  return out;
}

const only = (subcase: string) => (manifest: Manifest) => {
  manifest.quantities = manifest.quantities.filter(({ name }) => name.startsWith(`${subcase}:`));
};

/** Changes the numbers of one layer of a stacked leaf, or of the whole leaf. */
const damage = (leaf: string, layer?: number) => (params: Parameters) => {
  const { shape, data } = params.get(leaf)!;
  const size = layer === undefined ? data.length : data.length / shape[0]!;
  const own = (data as Float32Array).subarray((layer ?? 0) * size, ((layer ?? 0) + 1) * size);
  for (let i = 0; i < own.length; i++) own[i]! *= 1.02;
};

describe('float64 beside float32', () => {
  it.each([
    ['network-tiny', 'joint_masked_camera'],
    ['sampler', 'inpaint_23_5steps'],
  ])('shows that what remains of %s is rounding', async (name, subcase) => {
    const all = await verdicts(await changed(name, { manifest: only(subcase) }), { float64: true });
    expect(all.length).toBeGreaterThan(5);
    for (const { quantity, pass, float64, tolerance } of all) {
      expect(pass, quantity).toBe(true);
      expect(float64!.error, quantity).toBeLessThanOrEqual(tolerance!);
      expect(float64!.rounding, quantity).toBeLessThanOrEqual(tolerance!);
    }
    expect(all.some(({ float64 }) => float64!.rounding > 0)).toBe(true);
  });
});

describe('the first quantity that is off', () => {
  it.each([
    ['PaliGemma/img/embedding/kernel', undefined, /with_posemb$/],
    ['PaliGemma/img/Transformer/encoderblock/MlpBlock_0/Dense_1/kernel', 1, /block01_out$/],
    ['stage_projection/kernel', undefined, /prefix_tokens$/],
    ['PaliGemma/llm/final_norm/scale', undefined, /prefix_out$/],
    ['kv_transform/k_coeffs', undefined, /kv_after\/k$/],
    ['time_mlp_in/kernel', undefined, /time_condition$/],
    ['PaliGemma/llm/layers/mlp_1/linear', 2, /suffix_out$/],
    ['action_out_proj/bias', undefined, /velocity$/],
  ] as const)('after a mistake in %s is the one that it makes', async (leaf, layer, first) => {
    const folder = await changed('network-tiny', {
      manifest: (manifest) => {
        only('insulated')(manifest);
        // The order of the manifest does not decide; the gradients take their time.
        manifest.quantities = manifest.quantities.filter(({ file }) => !file.includes('gradients')).reverse();
      },
      params: damage(leaf, layer),
    });
    expect(firstOff(await verdicts(folder)).map(({ quantity }) => quantity)).toEqual([expect.stringMatching(first)]);
  });

  it('says which layers of a cache are off, and where a gradient goes wrong first', async () => {
    const folder = await changed('network-tiny', {
      manifest: only('flow_only'),
      params: damage('PaliGemma/llm/layers/mlp/linear', 1),
    });
    const all = await verdicts(folder);
    const find = (name: string) => all.find(({ quantity }) => quantity === `flow_only:${name}`)!;
    expect(find('kv_before/k').message).toMatch(/^layers off: 2, 3; \[[23], /);
    expect(find('kv_before/k')).toMatchObject({ pass: false, worst: { index: expect.any(Array) } });
    expect(find('gradients').message).toMatch(/leaves are off; going backward the first is action_out_proj/);
  });
});

describe('a case with other quantities', () => {
  it('knows leaves, patterns and single layers, and calls unknown what it does not know', async () => {
    const folder = await changed('network-tiny', {
      manifest: (manifest) => {
        const q = (tensor: string, file = 'expected') => ({
          name: `flow_only:${tensor}`,
          file: `flow_only.${file}.safetensors`,
          tensor,
          tolerance_relative: 1e-4,
        });
        manifest.quantities = [
          q('loss/*'),
          q('kv_transform/*', 'gradients'),
          q('action_in_proj/kernel', 'gradients'),
          { ...q('velocity'), tensor: undefined as never },
          q('attention_scores'),
        ];
      },
    });
    const expected = join(folder, 'flow_only.expected.safetensors');
    const tensors = await readSafetensors(expected);
    tensors.set('attention_scores', tensors.get('velocity')!);
    await writeSafetensors(expected, tensors);
    const all = await verdicts(folder);
    expect(all.map(({ pass }) => pass)).toEqual([true, true, true, true, null]);
    expect(all.at(-1)!.message).toMatch(/attention_scores is not something that the network traces/);
  });

  it('without a colon, without sub-cases and with switches in its config', async () => {
    const folder = await changed('network-tiny', {
      manifest: (manifest) => {
        Object.assign(manifest.config, manifest.subcases['flow_only']);
        manifest.quantities = manifest.quantities
          .filter(({ name }) => name.startsWith('flow_only:'))
          .map((quantity) => ({ ...quantity, name: quantity.name.replace('flow_only:', '') }));
        manifest.subcases = {};
      },
    });
    const all = await verdicts(folder);
    expect(all.filter(({ pass }) => pass !== true)).toEqual([]);
    expect(all.length).toBeGreaterThan(40);
  });
});
