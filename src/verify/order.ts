import { present } from '../base/index.ts';

/** What of a verdict decides its place. */
interface Placed {
  readonly case: string;
  readonly kind: string;
  readonly quantity: string;
  readonly pass: boolean | null;
}

/** Quantities of each kind in the order in which they are computed; what fits none comes after them all. */
const FORWARD: Readonly<Record<string, readonly RegExp[]>> = {
  network: [
    /^image_float\//,
    /^vision\/.*\bwith_posemb$/,
    /^vision\/.*\bblock\d+_/,
    /^vision\/.*\bencoded$/,
    /^vision\/.*\btokens$/,
    /^state_bins$/,
    /^prefix_(mask|ar_mask|attention_mask|positions)$/,
    /^prefix_tokens$/,
    /^kv_before\//,
    /^prefix_out$/,
    /^stage_logits_raw$/,
    /^stage_logits_masked$/,
    /^fast_logits$/,
    /^kv_after\//,
    /^time_condition$/,
    /^suffix_tokens$/,
    /^suffix_out$/,
    /^velocity$/,
    /^action_loss_elements$/,
    /^fast_token_loss$/,
    /^loss\/(?!mean_total|total)/,
    /^loss\//,
  ],
  sampler: [
    /^cholesky/,
    /^correction_matrix/,
    /^noise/,
    /^stage_logits/,
    /^times_/,
    /^x_steps_before_correction$/,
    /^enforced$/,
    /^max_abs_delta_u$/,
    /^correction_applied$/,
    /^x_steps$/,
    /^final_actions$/,
  ],
  optimizer: [
    /^schedule/,
    /^learning_rate$/,
    /^gradient_norm$/,
    /^clip_factor$/,
    /first_moment/,
    /second_moment/,
    /params/,
  ],
  'train-steps': [/loss|accuracy/, /grad_norm/, /params/, /param_norm/],
};

/**
 * Where a quantity stands in the forward order of its kind, as numbers to compare from the left: its group, then its
 * block.
 */
function forwardRank(kind: string, quantity: string): readonly number[] {
  const name = quantity.slice(quantity.indexOf(':') + 1);
  const group = (FORWARD[kind] ?? []).findIndex((pattern) => pattern.test(name));
  const block = /block(\d+)_(after_attention|out)$/.exec(name);
  const within = block ? 2 * Number(block[1]) + (block[2] === 'out' ? 1 : 0) : 0;
  return [group < 0 ? Number.POSITIVE_INFINITY : group, within];
}

/** Per case, the first quantity that is off in forward order: what comes after it is off because of it. */
export function firstOff<V extends Placed>(verdicts: Iterable<V>): V[] {
  const first = new Map<string, V>();
  for (const verdict of verdicts) {
    if (verdict.pass !== false) continue;
    const known = first.get(verdict.case);
    if (!known || before(verdict, known)) first.set(verdict.case, verdict);
  }
  return [...first.values()];
}

function before(a: Placed, b: Placed): boolean {
  const [x, y] = [forwardRank(a.kind, a.quantity), forwardRank(b.kind, b.quantity)];
  const at = x.findIndex((value, i) => value !== y[i]);
  return at >= 0 && present(x[at], 'x[at]') < present(y[at], 'y[at]');
}

/** Leaves in the order in which the gradient reaches them, from the losses back to the pictures. */
const BACKWARD: readonly RegExp[] = [
  /^(action_out_proj|stage_pred_from_vlm|fast_token_proj|auxiliary)/,
  /^PaliGemma\/llm\/final_norm_1/,
  /^PaliGemma\/llm\/layers\/mlp_1\/linear/,
  /^PaliGemma\/llm\/layers\/mlp_1/,
  /^PaliGemma\/llm\/layers\/pre_ffw_norm_1/,
  /^PaliGemma\/llm\/layers\/attn\/attn_vec_einsum_1/,
  /^PaliGemma\/llm\/layers\/attn\/\w+_1\//,
  /^PaliGemma\/llm\/layers\/pre_attention_norm_1/,
  /^time_mlp_out/,
  /^time_mlp_in/,
  /^action_in_proj/,
  /^kv_transform/,
  /^PaliGemma\/llm\/final_norm/,
  /^PaliGemma\/llm\/layers\/mlp\/linear/,
  /^PaliGemma\/llm\/layers\/mlp/,
  /^PaliGemma\/llm\/layers\/pre_ffw_norm/,
  /^PaliGemma\/llm\/layers\/attn\/attn_vec_einsum/,
  /^PaliGemma\/llm\/layers\/attn/,
  /^PaliGemma\/llm\/layers\/pre_attention_norm/,
  /^(fast_token_embedding|PaliGemma\/llm\/embedder|state_mlp_out)/,
  /^(state_mlp_in|stage_projection|fusion_layer2)/,
  /^(fusion_layer1|gate_)/,
  /^task_/,
  /^PaliGemma\/img\/head/,
  /^PaliGemma\/img\/Transformer\/encoder_norm/,
  /^PaliGemma\/img\/Transformer\/encoderblock\/MlpBlock_0\/Dense_1/,
  /^PaliGemma\/img\/Transformer\/encoderblock\/MlpBlock_0/,
  /^PaliGemma\/img\/Transformer\/encoderblock\/LayerNorm_1/,
  /^PaliGemma\/img\/Transformer\/encoderblock\/MultiHead\w+\/out/,
  /^PaliGemma\/img\/Transformer\/encoderblock\/MultiHead/,
  /^PaliGemma\/img\/Transformer/,
  /^PaliGemma\/img\/pos_embedding/,
];

/** Where the gradient reaches a leaf: smaller is nearer to the losses. */
export function backwardRank(leaf: string): number {
  const rank = BACKWARD.findIndex((pattern) => pattern.test(leaf));
  return rank < 0 ? BACKWARD.length : rank;
}
