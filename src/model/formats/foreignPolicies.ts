/** Networks whose names are known and that are not read: how their tensors are called, what they are. */
const POLICIES: readonly (readonly [RegExp, string])[] = [
  [/(^|[./])vlm_with_expert[./]/, "LeRobot's SmolVLA"],
  [/(^|[./])pi0_paligemma[./]/, "LeRobot's π0-FAST"],
  [/(^|[./])vae_encoder[_.]/, "LeRobot's ACT"],
  [/(^|[./])diffusion[./]unet[./]|(^|[./])noise_pred_net[./]/, 'a diffusion policy'],
  [/(^|[./])(eagle_model|action_head[./]model[./]transformer_blocks)[./]/, "NVIDIA's GR00T"],
  [/(^|[./])vision_backbone[./](featurizer|fused_featurizer)[./]/, 'OpenVLA'],
  [/(^|[./])octo_transformer[./]/, 'Octo'],
  [
    /^(model[./])?language_model[./].*(q_proj|input_layernorm)|^(model[./])?vision_tower[./]/,
    'a vision-language model alone',
  ],
  [/^(model[./])?layers[./]\d+[./]self_attn[./]/, 'a language model alone'],
];

/** What a tree of another known network is, in words; undefined for any other. */
export function foreignPolicy(names: readonly string[]): string | undefined {
  return POLICIES.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];
}
