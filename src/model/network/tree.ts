import { present } from '../../base/index.ts';
import { type ModelConfig, prefixLayout, tokensPerSide } from './config.ts';
import { VOCABULARY } from './vocabulary.ts';

/** The parts that params are counted by (docs/facts.md#parameters), and the two that are not in the original. */
export type Part =
  | 'vision'
  | 'embedding'
  | 'vlm'
  | 'lora'
  | 'expert'
  | 'flow'
  | 'fast'
  | 'task'
  | 'kv'
  | 'state'
  | 'auxiliary';

/** How a leaf is drawn at first. `fanIn`: normal with variance gain²/fanIn; `normal`: normal with that deviation. */
export type Initialiser =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  | { readonly kind: 'identity' }
  | { readonly kind: 'normal'; readonly deviation: number };

export interface NetworkLeaf {
  /** The original's name, such as `PaliGemma/llm/layers/attn/q_einsum/w`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Initialiser;
  readonly part: Part;
  /** The first axis counts layers: programs take such a leaf layer by layer (views.ts). */
  readonly stacked: boolean;
}

const zeros: Initialiser = { kind: 'zeros' };
const ones: Initialiser = { kind: 'ones' };
const fanIn = (n: number, gain = 1): Initialiser => ({ kind: 'normal', deviation: gain / Math.sqrt(n) });

/**
 * Every parameter of the network in the original's names and shapes, sorted by name. For `full` these are the 74 leaves
 * with
 * 3,404,532,135 numbers of the released checkpoints. Projections that add to a residual stream start smaller by
 * 1/sqrt(2 layers); adaRMS starts at zero and KV mixing at the identity, as in the original.
 */
export function parameterTree(config: ModelConfig): NetworkLeaf[] {
  const leaves: NetworkLeaf[] = [];
  let part: Part = 'vision';
  const leaf = (name: string, shape: readonly number[], init: Initialiser, stacked = false): void => {
    leaves.push({ name, shape, init, part, stacked });
  };
  const dense = (name: string, input: number, output: number, gain = 1): void => {
    leaf(`${name}/kernel`, [input, output], fanIn(input, gain));
    leaf(`${name}/bias`, [output], zeros);
  };

  visionLeaves(config, leaf, dense);

  const { vlmWidth: width, expertWidth, layers, numHeads, numKvHeads, headDim } = config;
  part = 'embedding';
  if (config.stateTokens.kind === 'discrete') leaf(VOCABULARY, [config.vocabSize, width], fanIn(width));

  const residual = 1 / Math.sqrt(2 * layers);
  const block = (suffix: '' | '_1', d: number, mlp: number): void => {
    const at = 'PaliGemma/llm/layers';
    leaf(`${at}/attn/q_einsum${suffix}/w`, [layers, numHeads, d, headDim], fanIn(d), true);
    leaf(`${at}/attn/kv_einsum${suffix}/w`, [layers, 2, numKvHeads, d, headDim], fanIn(d), true);
    leaf(
      `${at}/attn/attn_vec_einsum${suffix}/w`,
      [layers, numHeads, headDim, d],
      fanIn(numHeads * headDim, residual),
      true,
    );
    leaf(`${at}/mlp${suffix}/gating_einsum`, [layers, 2, d, mlp], fanIn(d), true);
    leaf(`${at}/mlp${suffix}/linear`, [layers, mlp, d], fanIn(mlp, residual), true);
  };
  part = 'vlm';
  block('', width, config.vlmMlpDim);
  leaf('PaliGemma/llm/layers/pre_attention_norm/scale', [layers, width], zeros, true);
  leaf('PaliGemma/llm/layers/pre_ffw_norm/scale', [layers, width], zeros, true);
  leaf('PaliGemma/llm/final_norm/scale', [width], zeros);

  part = 'expert';
  block('_1', expertWidth, config.expertMlpDim);
  for (const norm of ['pre_attention_norm_1', 'pre_ffw_norm_1']) {
    leaf(`PaliGemma/llm/layers/${norm}/Dense_0/kernel`, [layers, expertWidth, 3 * expertWidth], zeros, true);
    leaf(`PaliGemma/llm/layers/${norm}/Dense_0/bias`, [layers, 3 * expertWidth], zeros, true);
  }
  leaf('PaliGemma/llm/final_norm_1/Dense_0/kernel', [expertWidth, 3 * expertWidth], zeros);
  leaf('PaliGemma/llm/final_norm_1/Dense_0/bias', [3 * expertWidth], zeros);

  part = 'flow';
  dense('action_in_proj', config.actionDim, expertWidth);
  dense('action_out_proj', expertWidth, config.actionDim, 0.1);
  dense('time_mlp_in', expertWidth, expertWidth);
  dense('time_mlp_out', expertWidth, expertWidth);

  if (config.useFastAuxiliary) {
    part = 'fast';
    leaf('fast_token_embedding/embedding', [config.fastVocabSize, width], fanIn(width));
    dense('fast_token_proj', width, config.fastVocabSize);
  }

  part = 'task';
  const half = width / 2;
  const stages = config.taskNumStages.reduce((a, b) => a + b, 0);
  leaf('task_embeddings/embedding', [config.taskNumStages.length, width], fanIn(width));
  leaf('task_stage_embeddings/embedding', [stages, half], fanIn(half));
  dense('gate_task', 2 * width, width);
  dense('gate_sincos', 2 * width, half);
  dense('gate_task_stage', 2 * width, half);
  dense('fusion_layer1', 2 * width, 2 * width);
  dense('fusion_layer2', 2 * width, width);
  dense('stage_projection', width, width);
  dense('stage_pred_from_vlm', width, config.maxStages);

  if (config.useKvTransform) {
    part = 'kv';
    for (const name of ['k', 'v']) {
      leaf(`kv_transform/${name}_coeffs`, [layers, layers], { kind: 'identity' });
      leaf(`kv_transform/${name}_bias`, [layers, numKvHeads, headDim], zeros);
    }
  }

  if (config.stateTokens.kind === 'continuous') {
    part = 'state';
    dense('state_mlp_in', config.actionDim, width);
    dense('state_mlp_out', width, width);
  }
  if (config.auxiliary) {
    part = 'auxiliary';
    const { tokenWidth, hidden, chunk, objects } = config.auxiliary;
    dense('auxiliary/reduce', width, tokenWidth);
    dense('auxiliary/hidden', prefixLayout(config).length * tokenWidth + width, hidden);
    if (chunk) dense('auxiliary/chunk', hidden, config.actionHorizon * config.actionDim, 0.5);
    if (objects) dense('auxiliary/objects', hidden, objects.size, 0.5);
  }
  part = 'auxiliary';
  if (config.successLossWeight > 0) dense('success_from_prefix', width, 2, 0.1);
  if (config.progressLossWeight > 0) dense('progress_from_prefix', width, 1, 0.1);
  return leaves.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function visionLeaves(
  config: ModelConfig,
  leaf: (name: string, shape: readonly number[], init: Initialiser, stacked?: boolean) => void,
  dense: (name: string, input: number, output: number, gain?: number) => void,
): void {
  const { visionWidth: width, visionLayers: layers, visionHeads: heads, visionMlpDim: mlp, stem } = config;
  const at = 'PaliGemma/img';
  if (stem.kind === 'patch') {
    const side = config.patchSize;
    leaf(`${at}/embedding/kernel`, [side, side, 3, width], fanIn(side * side * 3));
    leaf(`${at}/embedding/bias`, [width], zeros);
  } else {
    const channels = [3, ...stem.channels, width];
    stem.kernels.forEach((side, i) => {
      // a rectifier follows all but the last (He et al. 2015)
      const gain = i < stem.kernels.length - 1 ? Math.SQRT2 : 1;
      leaf(
        `${at}/stem/${i}/kernel`,
        [side, side, present(channels[i], 'channels[i]'), present(channels[i + 1], 'channels[i + 1]')],
        fanIn(side * side * present(channels[i], 'channels[i]'), gain),
      );
      leaf(`${at}/stem/${i}/bias`, [present(channels[i + 1], 'channels[i + 1]')], zeros);
      if (i > 0 && i < stem.kernels.length - 1)
        leaf(`${at}/stem/${i}/scale`, [present(channels[i + 1], 'channels[i + 1]')], zeros);
    });
  }
  leaf(`${at}/pos_embedding`, [1, tokensPerSide(config) ** 2, width], fanIn(width));
  const residual = 1 / Math.sqrt(2 * layers);
  const block = `${at}/Transformer/encoderblock`;
  for (const norm of ['LayerNorm_0', 'LayerNorm_1']) {
    leaf(`${block}/${norm}/scale`, [layers, width], ones, true);
    leaf(`${block}/${norm}/bias`, [layers, width], zeros, true);
  }
  const attention = `${block}/MultiHeadDotProductAttention_0`;
  for (const name of ['query', 'key', 'value']) {
    leaf(`${attention}/${name}/kernel`, [layers, width, heads, width / heads], fanIn(width), true);
    leaf(`${attention}/${name}/bias`, [layers, heads, width / heads], zeros, true);
  }
  leaf(`${attention}/out/kernel`, [layers, heads, width / heads, width], fanIn(width, residual), true);
  leaf(`${attention}/out/bias`, [layers, width], zeros, true);
  leaf(`${block}/MlpBlock_0/Dense_0/kernel`, [layers, width, mlp], fanIn(width), true);
  leaf(`${block}/MlpBlock_0/Dense_0/bias`, [layers, mlp], zeros, true);
  leaf(`${block}/MlpBlock_0/Dense_1/kernel`, [layers, mlp, width], fanIn(mlp, residual), true);
  leaf(`${block}/MlpBlock_0/Dense_1/bias`, [layers, width], zeros, true);
  leaf(`${at}/Transformer/encoder_norm/scale`, [width], ones);
  leaf(`${at}/Transformer/encoder_norm/bias`, [width], zeros);
  dense(`${at}/head`, width, config.vlmWidth);
}

/** Numbers in a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Parameters per part and in all. */
export function countParameters(config: ModelConfig): { total: number; parts: Partial<Record<Part, number>> } {
  const parts: Partial<Record<Part, number>> = {};
  let total = 0;
  for (const { part, shape } of parameterTree(config)) {
    parts[part] = (parts[part] ?? 0) + sizeOf(shape);
    total += sizeOf(shape);
  }
  return { total, parts };
}
