import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { type NdArray, type Parameters, writeSafetensors } from '../../tensor/index.ts';
import { modelConfig, parameterTree } from '../network/index.ts';
import { importCheckpoint } from './importCheckpoint.ts';
import { openTree } from './openTree.ts';
import { readLeaf } from './readLeaf.ts';
import { layoutOf } from './recognise.ts';
import { asOriginalTree } from './torchPi05.ts';

const HEADS = { visionHeads: 2, numHeads: 4, numKvHeads: 2, headDim: 4 };
const CONFIG = modelConfig({
  ...HEADS,
  imageSize: 28,
  visionWidth: 6,
  visionLayers: 2,
  visionMlpDim: 10,
  vlmWidth: 8,
  vlmMlpDim: 14,
  expertWidth: 4,
  expertMlpDim: 6,
  layers: 3,
  vocabSize: 256,
});
/** What a π0.5 has: no parts of the winner's. */
const LEAVES = parameterTree(CONFIG).filter(({ part }) => part !== 'task' && part !== 'kv');

let folder: string;
let original: Map<string, NdArray>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-torch-'));
  original = new Map(
    LEAVES.map(({ name, shape }) => {
      const random = Random.of('torch', name);
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
      return [name, { shape: [...shape], dtype: 'float32', data } as NdArray];
    }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

/** The element of an original array, by its indices. */
const at = (name: string, ...indices: number[]): number => {
  const { shape, data } = original.get(name)!;
  return Number(data[indices.reduce((sum, i, axis) => sum * shape[axis]! + i, 0)]);
};

/** The PyTorch tensors of the network, element by element as openpi's converter describes them. */
function torchTensors(prefix: string): Parameters {
  const out: Parameters = new Map();
  const put = (name: string, shape: number[], value: (...i: number[]) => number) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    data.forEach((_, flat) => {
      let rest = flat;
      const i = shape.map(() => 0);
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        i[axis] = rest % shape[axis]!;
        rest = Math.floor(rest / shape[axis]!);
      }
      data[flat] = value(...i);
    });
    out.set(prefix + name, { shape, dtype: 'float32', data });
  };
  const c = CONFIG;
  const vision = 'paligemma_with_expert.paligemma.model.vision_tower.vision_model';
  const img = 'PaliGemma/img';
  put(`${vision}.embeddings.patch_embedding.weight`, [6, 3, 14, 14], (o, ch, y, x) =>
    at(`${img}/embedding/kernel`, y, x, ch, o),
  );
  put(`${vision}.embeddings.patch_embedding.bias`, [6], (o) => at(`${img}/embedding/bias`, o));
  put(`${vision}.embeddings.position_embedding.weight`, [4, 6], (t, w) => at(`${img}/pos_embedding`, 0, t, w));
  const block = `${img}/Transformer/encoderblock`;
  const attention = `${block}/MultiHeadDotProductAttention_0`;
  for (let l = 0; l < 2; l++) {
    const layer = `${vision}.encoder.layers.${l}`;
    for (const n of [0, 1]) {
      put(`${layer}.layer_norm${n + 1}.weight`, [6], (w) => at(`${block}/LayerNorm_${n}/scale`, l, w));
      put(`${layer}.layer_norm${n + 1}.bias`, [6], (w) => at(`${block}/LayerNorm_${n}/bias`, l, w));
    }
    put(`${layer}.mlp.fc1.weight`, [10, 6], (o, i) => at(`${block}/MlpBlock_0/Dense_0/kernel`, l, i, o));
    put(`${layer}.mlp.fc1.bias`, [10], (o) => at(`${block}/MlpBlock_0/Dense_0/bias`, l, o));
    put(`${layer}.mlp.fc2.weight`, [6, 10], (o, i) => at(`${block}/MlpBlock_0/Dense_1/kernel`, l, i, o));
    put(`${layer}.mlp.fc2.bias`, [6], (o) => at(`${block}/MlpBlock_0/Dense_1/bias`, l, o));
    for (const [torch, name] of [
      ['q', 'query'],
      ['k', 'key'],
      ['v', 'value'],
    ]) {
      put(`${layer}.self_attn.${torch}_proj.weight`, [6, 6], (o, i) =>
        at(`${attention}/${name}/kernel`, l, i, Math.floor(o / 3), o % 3),
      );
      put(`${layer}.self_attn.${torch}_proj.bias`, [6], (o) =>
        at(`${attention}/${name}/bias`, l, Math.floor(o / 3), o % 3),
      );
    }
    put(`${layer}.self_attn.out_proj.weight`, [6, 6], (o, i) =>
      at(`${attention}/out/kernel`, l, Math.floor(i / 3), i % 3, o),
    );
    put(`${layer}.self_attn.out_proj.bias`, [6], (o) => at(`${attention}/out/bias`, l, o));
  }
  put(`${vision}.post_layernorm.weight`, [6], (w) => at(`${img}/Transformer/encoder_norm/scale`, w));
  put(`${vision}.post_layernorm.bias`, [6], (w) => at(`${img}/Transformer/encoder_norm/bias`, w));
  const projector = 'paligemma_with_expert.paligemma.model.multi_modal_projector.linear';
  put(`${projector}.weight`, [8, 6], (o, i) => at(`${img}/head/kernel`, i, o));
  put(`${projector}.bias`, [8], (o) => at(`${img}/head/bias`, o));
  put('paligemma_with_expert.paligemma.lm_head.weight', [256, 8], (v, w) =>
    at('PaliGemma/llm/embedder/input_embedding', v, w),
  );
  const llm = 'PaliGemma/llm/layers';
  for (const [prefixOf, suffix, width, mlp] of [
    ['paligemma_with_expert.paligemma.model.language_model', '', c.vlmWidth, c.vlmMlpDim],
    ['paligemma_with_expert.gemma_expert.model', '_1', c.expertWidth, c.expertMlpDim],
  ] as const)
    for (let l = 0; l < 3; l++) {
      const layer = `${prefixOf}.layers.${l}`;
      put(`${layer}.self_attn.q_proj.weight`, [16, width], (o, i) =>
        at(`${llm}/attn/q_einsum${suffix}/w`, l, Math.floor(o / 4), i, o % 4),
      );
      for (const [n, name] of ['k', 'v'].entries())
        put(`${layer}.self_attn.${name}_proj.weight`, [8, width], (o, i) =>
          at(`${llm}/attn/kv_einsum${suffix}/w`, l, n, Math.floor(o / 4), i, o % 4),
        );
      put(`${layer}.self_attn.o_proj.weight`, [width, 16], (o, i) =>
        at(`${llm}/attn/attn_vec_einsum${suffix}/w`, l, Math.floor(i / 4), i % 4, o),
      );
      for (const [n, name] of ['gate', 'up'].entries())
        put(`${layer}.mlp.${name}_proj.weight`, [mlp, width], (o, i) =>
          at(`${llm}/mlp${suffix}/gating_einsum`, l, n, i, o),
        );
      put(`${layer}.mlp.down_proj.weight`, [width, mlp], (o, i) => at(`${llm}/mlp${suffix}/linear`, l, i, o));
      for (const [torch, name] of [
        ['input_layernorm', 'pre_attention_norm'],
        ['post_attention_layernorm', 'pre_ffw_norm'],
      ])
        if (suffix === '') put(`${layer}.${torch}.weight`, [width], (w) => at(`${llm}/${name}/scale`, l, w));
        else {
          put(`${layer}.${torch}.dense.weight`, [3 * width, width], (o, i) =>
            at(`${llm}/${name}_1/Dense_0/kernel`, l, i, o),
          );
          put(`${layer}.${torch}.dense.bias`, [3 * width], (o) => at(`${llm}/${name}_1/Dense_0/bias`, l, o));
        }
    }
  put('paligemma_with_expert.paligemma.model.language_model.norm.weight', [8], (w) =>
    at('PaliGemma/llm/final_norm/scale', w),
  );
  put('paligemma_with_expert.gemma_expert.model.norm.dense.weight', [12, 4], (o, i) =>
    at('PaliGemma/llm/final_norm_1/Dense_0/kernel', i, o),
  );
  put('paligemma_with_expert.gemma_expert.model.norm.dense.bias', [12], (o) =>
    at('PaliGemma/llm/final_norm_1/Dense_0/bias', o),
  );
  put('paligemma_with_expert.gemma_expert.lm_head.weight', [2, 4], () => 0);
  for (const name of ['action_in_proj', 'action_out_proj', 'time_mlp_in', 'time_mlp_out']) {
    const [input = 0, output = 0] = original.get(`${name}/kernel`)!.shape;
    put(`${name}.weight`, [output, input], (o, i) => at(`${name}/kernel`, i, o));
    put(`${name}.bias`, [output], (o) => at(`${name}/bias`, o));
  }
  return out;
}

const renamed = (tensors: Parameters, change: (name: string) => string): Parameters =>
  new Map([...tensors].map(([name, tensor]) => [change(name), tensor]));

async function written(name: string, tensors: Parameters): Promise<string> {
  const dir = join(folder, name);
  await mkdir(dir, { recursive: true });
  await writeSafetensors(join(dir, 'model.safetensors'), tensors);
  return dir;
}

describe('a π0.5 in PyTorch’s names', () => {
  it.each<[string, string, (tensors: Parameters) => Parameters]>([
    ['LeRobot’s', 'model.', (tensors) => tensors],
    ['openpi’s', '', (tensors) => tensors],
    [
      'with the names of older libraries',
      'model.',
      (tensors) =>
        renamed(tensors, (name) =>
          name
            .replace('paligemma.model.language_model.', 'paligemma.language_model.model.')
            .replace('paligemma.lm_head', 'paligemma.language_model.lm_head')
            .replace('paligemma.model.', 'paligemma.'),
        ),
    ],
    [
      'compiled, with the embedding under its other name',
      '_orig_mod.model.',
      (tensors) =>
        renamed(tensors, (name) => name.replace('paligemma.lm_head', 'paligemma.model.language_model.embed_tokens')),
    ],
  ])('is the original’s, number for number: %s', async (name, prefix, change) => {
    const tree = asOriginalTree(
      await openTree(await written(name.replaceAll(/\W/g, ''), change(torchTensors(prefix)))),
      HEADS,
    );
    expect(tree.origin).toBe(prefix === '' ? 'openpi-pytorch' : 'lerobot-pi05');
    expect(layoutOf(tree)).toBe('pi05');
    expect([...tree.leaves.keys()]).toEqual(LEAVES.map((leaf) => leaf.name));
    for (const [leafName, { shape, data }] of original) {
      const read = await readLeaf(tree.leaves.get(leafName)!);
      expect([leafName, read.shape, read.data]).toEqual([leafName, shape, data]);
    }
  });

  it('is imported from a training run of LeRobot, with a word on its normaliser', async () => {
    const run = join(folder, 'run');
    const step = await written('run/checkpoints/000100/pretrained_model', torchTensors('model.'));
    await writeFile(join(step, 'config.json'), '{"type": "pi05"}');
    await writeSafetensors(
      join(step, 'policy_preprocessor_step_5_normalizer_processor.safetensors'),
      new Map([['action.mean', { shape: [1], dtype: 'float32', data: new Float32Array(1) }]]),
    );
    await symlink('000100', join(run, 'checkpoints/last'));
    const report = await importCheckpoint(run, join(folder, 'imported'), { config: HEADS });
    expect(report.layout).toBe('lerobot-pi05');
    expect(report.plan.taken).toHaveLength(LEAVES.length);
    expect(report.foreignNormaliser).toMatch(/normalizer_processor\.safetensors$/);
    const imported = (await openTree(join(folder, 'imported'))).leaves.get('PaliGemma/llm/layers/attn/kv_einsum/w');
    expect((await readLeaf(imported!)).data).toEqual(original.get('PaliGemma/llm/layers/attn/kv_einsum/w')?.data);
  });

  it.each<[string, (tensors: Parameters) => void, RegExp]>([
    [
      'a tensor missing',
      (t) => void t.delete('model.paligemma_with_expert.gemma_expert.model.layers.1.mlp.up_proj.weight'),
      /LeRobot's π0.5 \(pi05\), but 1 of its tensors are missing, first .*layers\.1\.mlp\.up_proj/,
    ],
    [
      'another shape',
      (t) => void t.set('model.time_mlp_in.weight', { shape: [4, 5], dtype: 'float32', data: new Float32Array(20) }),
      /time_mlp_in\.weight is \[4, 5\] \(expected \[4, 4\]\)/,
    ],
    [
      'π0',
      (t) => void t.set('model.state_proj.weight', { shape: [4, 4], dtype: 'float32', data: new Float32Array(16) }),
      /holds π0 in PyTorch's names \(LeRobot\), which is another network/,
    ],
  ])('is refused for what it is: %s', async (name, change, message) => {
    const tensors = torchTensors('model.');
    change(tensors);
    const dir = await written(`bad-${name.replaceAll(/\W/g, '')}`, tensors);
    await expect(importCheckpoint(dir, join(folder, 'never'), { config: HEADS })).rejects.toThrow(message);
  });

  it('of which only the names are LeRobot’s says so', async () => {
    execFileSync('tar', ['xzf', join(import.meta.dirname, '../../../test/cases/lerobot-pi05.tgz'), '-C', folder]);
    const importing = importCheckpoint(join(folder, 'lerobot-pi05'), join(folder, 'never'));
    await expect(importing).rejects.toThrow(/holds LeRobot's π0.5 \(pi05\), but .*fc1\.weight is missing/);
  });
});

describe('a checkpoint of another kind is named', () => {
  const zip = Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(26), Buffer.from('archive/data.pkl')]);
  it.each<[string, Buffer, RegExp]>([
    ['pytorch_model.bin', zip, /is a PyTorch pickle \(a zip with data\.pkl\).*save_file/],
    ['policy.pt', Buffer.from([0x80, 2, 0x8a, 0x0a]), /is a Python pickle/],
    ['model.gguf', Buffer.from('GGUF\u0003'), /is a GGUF file/],
    ['flax_model.msgpack', Buffer.from([0x81]), /is a Flax checkpoint in msgpack/],
  ])('%s, alone and in a folder', async (name, bytes, message) => {
    const dir = join(folder, name.replace('.', '-'));
    await mkdir(dir);
    await writeFile(join(dir, name), bytes);
    await expect(openTree(join(dir, name))).rejects.toThrow(message);
    await cp(join(dir, name), join(dir, 'copy'));
    await expect(openTree(dir)).rejects.toThrow(message);
  });

  it.each([
    ['model.vlm_with_expert.vlm.model.weight', /LeRobot's SmolVLA/],
    ['model.vae_encoder_cls_embed.weight', /LeRobot's ACT/],
    ['language_model.model.layers.0.self_attn.q_proj.weight', /a vision-language model alone/],
  ])('by its tensors: %s', async (tensor, message) => {
    const dir = await written(
      tensor.slice(0, 20),
      new Map([[tensor, { shape: [1], dtype: 'float32', data: new Float32Array(1) }]]),
    );
    await expect(importCheckpoint(dir, join(folder, 'never'))).rejects.toThrow(message);
  });
});
