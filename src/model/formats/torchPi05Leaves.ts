/** Sizes of a π0.5 network, as its PyTorch tensors tell them. */
export interface Pi05Sizes {
  readonly vision: {
    readonly width: number;
    readonly patchSize: number;
    readonly tokens: number;
    readonly mlp: number;
    readonly heads: number;
    readonly layers: number;
  };
  readonly vlm: { readonly width: number; readonly mlp: number };
  readonly expert: { readonly width: number; readonly mlp: number };
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabulary: number;
  readonly actions: number;
}

/** A part of a leaf that is one tensor in PyTorch. */
interface Piece {
  /** Names that the tensor may have. */
  readonly torch: readonly string[];
  /** The tensor's own shape. */
  readonly size: readonly number[];
  /** The shape of the part, axes as the leaf's, and its place in the grid of parts. */
  readonly chunk: readonly number[];
  readonly at: readonly number[];
}

export interface OriginalLeaf {
  readonly name: string;
  readonly shape: readonly number[];
  /** Order of the axes in which a tensor's numbers lie, axes counted as the leaf's; left out when it is the leaf's. */
  readonly order?: readonly number[];
  readonly pieces: readonly Piece[];
}

const ROOT = 'paligemma_with_expert';
const VISION = `${ROOT}.paligemma.model.vision_tower.vision_model`;
const LANGUAGE = `${ROOT}.paligemma.model.language_model`;
const EXPERT = `${ROOT}.gemma_expert.model`;
const BLOCK = 'PaliGemma/img/Transformer/encoderblock';
const LLM = 'PaliGemma/llm';

/**
 * Every leaf of the original π0.5, and the PyTorch tensors that it is made of. The other direction of openpi's
 * converter: a linear layer's weight is [outputs, inputs], layers are apart, heads are folded into one axis.
 */
export function originalLeaves(sizes: Pi05Sizes): OriginalLeaf[] {
  return [...visionLeaves(sizes), ...llmLeaves(sizes), ...flowLeaves(sizes)];
}

const numbered = (order: readonly number[]): boolean => order.every((axis, i) => axis === i);

/** One tensor is one leaf; `axes` is the order of the leaf's axes in the tensor. */
function whole(
  name: string,
  torch: string | readonly string[],
  shape: readonly number[],
  size: readonly number[],
  axes: readonly number[],
): OriginalLeaf {
  const names = typeof torch === 'string' ? [torch] : torch;
  const piece: Piece = { torch: names, size, chunk: shape, at: shape.map(() => 0) };
  return { name, shape, ...(!numbered(axes) && { order: axes }), pieces: [piece] };
}

/** A leaf with an axis of layers before `shape`; each layer is a tensor, or several along a second axis. */
function stacked(
  name: string,
  layers: number,
  torch: (layer: number) => string | readonly string[],
  shape: readonly number[],
  size: readonly number[],
  axes: readonly number[],
): OriginalLeaf {
  const parts = [torch(0)].flat().length;
  const front = parts > 1 ? [layers, parts] : [layers];
  const order = [...front.map((_, i) => i), ...axes.map((axis) => axis + front.length)];
  const chunk = [...front.map(() => 1), ...shape];
  const pieces = Array.from({ length: layers }, (_, layer) =>
    [torch(layer)].flat().map((one, part): Piece => {
      const at = [layer, ...(parts > 1 ? [part] : []), ...shape.map(() => 0)];
      return { torch: [one], size, chunk, at };
    }),
  ).flat();
  return { name, shape: [...front, ...shape], ...(!numbered(order) && { order }), pieces };
}

function visionLeaves({ vision, vlm }: Pi05Sizes): OriginalLeaf[] {
  const { width, patchSize: side, tokens, mlp, heads, layers } = vision;
  const size = width / heads;
  const layer = (name: string) => (i: number) => `${VISION}.encoder.layers.${i}.${name}`;
  const vector = (name: string, torch: string, n: number) => stacked(name, layers, layer(torch), [n], [n], [0]);
  const attention = `${BLOCK}/MultiHeadDotProductAttention_0`;
  const projector = `${ROOT}.paligemma.model.multi_modal_projector.linear`;
  return [
    whole(
      'PaliGemma/img/embedding/kernel',
      `${VISION}.embeddings.patch_embedding.weight`,
      [side, side, 3, width],
      [width, 3, side, side],
      [3, 2, 0, 1],
    ),
    whole('PaliGemma/img/embedding/bias', `${VISION}.embeddings.patch_embedding.bias`, [width], [width], [0]),
    whole(
      'PaliGemma/img/pos_embedding',
      `${VISION}.embeddings.position_embedding.weight`,
      [1, tokens, width],
      [tokens, width],
      [0, 1, 2],
    ),
    ...[0, 1].flatMap((n) => [
      vector(`${BLOCK}/LayerNorm_${n}/scale`, `layer_norm${n + 1}.weight`, width),
      vector(`${BLOCK}/LayerNorm_${n}/bias`, `layer_norm${n + 1}.bias`, width),
    ]),
    stacked(`${BLOCK}/MlpBlock_0/Dense_0/kernel`, layers, layer('mlp.fc1.weight'), [width, mlp], [mlp, width], [1, 0]),
    vector(`${BLOCK}/MlpBlock_0/Dense_0/bias`, 'mlp.fc1.bias', mlp),
    stacked(`${BLOCK}/MlpBlock_0/Dense_1/kernel`, layers, layer('mlp.fc2.weight'), [mlp, width], [width, mlp], [1, 0]),
    vector(`${BLOCK}/MlpBlock_0/Dense_1/bias`, 'mlp.fc2.bias', width),
    ...['query', 'key', 'value'].flatMap((name) => {
      const torch = `self_attn.${name[0]}_proj`;
      return [
        stacked(
          `${attention}/${name}/kernel`,
          layers,
          layer(`${torch}.weight`),
          [width, heads, size],
          [width, width],
          [1, 2, 0],
        ),
        stacked(`${attention}/${name}/bias`, layers, layer(`${torch}.bias`), [heads, size], [width], [0, 1]),
      ];
    }),
    stacked(
      `${attention}/out/kernel`,
      layers,
      layer('self_attn.out_proj.weight'),
      [heads, size, width],
      [width, width],
      [2, 0, 1],
    ),
    vector(`${attention}/out/bias`, 'self_attn.out_proj.bias', width),
    whole('PaliGemma/img/Transformer/encoder_norm/scale', `${VISION}.post_layernorm.weight`, [width], [width], [0]),
    whole('PaliGemma/img/Transformer/encoder_norm/bias', `${VISION}.post_layernorm.bias`, [width], [width], [0]),
    whole('PaliGemma/img/head/kernel', `${projector}.weight`, [width, vlm.width], [vlm.width, width], [1, 0]),
    whole('PaliGemma/img/head/bias', `${projector}.bias`, [vlm.width], [vlm.width], [0]),
  ];
}

function llmLeaves(sizes: Pi05Sizes): OriginalLeaf[] {
  const { layers, heads, kvHeads, headDim, vocabulary, vlm, expert } = sizes;
  const at = `${LLM}/layers`;
  const block = (prefix: string, suffix: string, { width, mlp }: { width: number; mlp: number }): OriginalLeaf[] => {
    const layer = (name: string) => (i: number) => `${prefix}.layers.${i}.${name}.weight`;
    const both = (a: string, b: string) => (i: number) => [layer(a)(i), layer(b)(i)];
    return [
      stacked(
        `${at}/attn/q_einsum${suffix}/w`,
        layers,
        layer('self_attn.q_proj'),
        [heads, width, headDim],
        [heads * headDim, width],
        [0, 2, 1],
      ),
      stacked(
        `${at}/attn/kv_einsum${suffix}/w`,
        layers,
        both('self_attn.k_proj', 'self_attn.v_proj'),
        [kvHeads, width, headDim],
        [kvHeads * headDim, width],
        [0, 2, 1],
      ),
      stacked(
        `${at}/attn/attn_vec_einsum${suffix}/w`,
        layers,
        layer('self_attn.o_proj'),
        [heads, headDim, width],
        [width, heads * headDim],
        [2, 0, 1],
      ),
      stacked(
        `${at}/mlp${suffix}/gating_einsum`,
        layers,
        both('mlp.gate_proj', 'mlp.up_proj'),
        [width, mlp],
        [mlp, width],
        [1, 0],
      ),
      stacked(`${at}/mlp${suffix}/linear`, layers, layer('mlp.down_proj'), [mlp, width], [width, mlp], [1, 0]),
    ];
  };
  const norm = (name: string, torch: string): OriginalLeaf[] => {
    const { width } = expert;
    return [
      stacked(
        `${at}/${name}_1/Dense_0/kernel`,
        layers,
        (i) => `${EXPERT}.layers.${i}.${torch}.dense.weight`,
        [width, 3 * width],
        [3 * width, width],
        [1, 0],
      ),
      stacked(
        `${at}/${name}_1/Dense_0/bias`,
        layers,
        (i) => `${EXPERT}.layers.${i}.${torch}.dense.bias`,
        [3 * width],
        [3 * width],
        [0],
      ),
    ];
  };
  const scale = (name: string, torch: string) =>
    stacked(
      `${at}/${name}/scale`,
      layers,
      (i) => `${LANGUAGE}.layers.${i}.${torch}.weight`,
      [vlm.width],
      [vlm.width],
      [0],
    );
  const tied = [`${ROOT}.paligemma.lm_head.weight`, `${LANGUAGE}.embed_tokens.weight`];
  const { width } = expert;
  return [
    whole(`${LLM}/embedder/input_embedding`, tied, [vocabulary, vlm.width], [vocabulary, vlm.width], [0, 1]),
    ...block(LANGUAGE, '', vlm),
    scale('pre_attention_norm', 'input_layernorm'),
    scale('pre_ffw_norm', 'post_attention_layernorm'),
    whole(`${LLM}/final_norm/scale`, `${LANGUAGE}.norm.weight`, [vlm.width], [vlm.width], [0]),
    ...block(EXPERT, '_1', expert),
    ...norm('pre_attention_norm', 'input_layernorm'),
    ...norm('pre_ffw_norm', 'post_attention_layernorm'),
    whole(
      `${LLM}/final_norm_1/Dense_0/kernel`,
      `${EXPERT}.norm.dense.weight`,
      [width, 3 * width],
      [3 * width, width],
      [1, 0],
    ),
    whole(`${LLM}/final_norm_1/Dense_0/bias`, `${EXPERT}.norm.dense.bias`, [3 * width], [3 * width], [0]),
  ];
}

function flowLeaves({ expert: { width }, actions }: Pi05Sizes): OriginalLeaf[] {
  const dense = (name: string, input: number, output: number) => [
    whole(`${name}/kernel`, `${name}.weight`, [input, output], [output, input], [1, 0]),
    whole(`${name}/bias`, `${name}.bias`, [output], [output], [0]),
  ];
  return [
    ...dense('action_in_proj', actions, width),
    ...dense('action_out_proj', width, actions),
    ...dense('time_mlp_in', width, width),
    ...dense('time_mlp_out', width, width),
  ];
}
