import { z } from 'zod';
import { type ModelConfig, modelConfig } from './config.ts';

const NetworkConfigSchema = z.object({
  vlm_width: z.number(),
  layers: z.number(),
  vlm_mlp_dim: z.number(),
  num_heads: z.number(),
  num_kv_heads: z.number(),
  head_dim: z.number(),
  expert_width: z.number(),
  expert_mlp_dim: z.number(),
  vision_width: z.number(),
  vision_layers: z.number(),
  vision_mlp_dim: z.number(),
  vision_heads: z.number(),
  vocab_size: z.number(),
  fast_vocab_size: z.number(),
  max_fast_tokens: z.number(),
  image_size: z.number(),
  action_dim: z.number(),
  action_horizon: z.number(),
  patch_size: z.number(),
  max_stages: z.number(),
  task_num_stages: z.array(z.number()),
  norm_epsilon_rms: z.number(),
  layernorm_epsilon: z.number(),
  flow_samples: z.number().default(1),
});

const SwitchesSchema = z.object({
  use_knowledge_insulation: z.boolean().default(false),
  use_fast_auxiliary: z.boolean().default(false),
  fast_loss_weight: z.number().default(0),
  subtask_loss_weight: z.number().default(0.1),
});

/** The model configuration of a golden case of kind `network` or `sampler`: its manifest's `config`, and the switches of a sub-case. */
export function configOfGoldenCase(manifestConfig: unknown, subcase: unknown = {}): ModelConfig {
  const c = NetworkConfigSchema.parse(manifestConfig);
  const s = SwitchesSchema.parse(subcase);
  return modelConfig({
    imageSize: c.image_size,
    patchSize: c.patch_size,
    visionWidth: c.vision_width,
    visionLayers: c.vision_layers,
    visionMlpDim: c.vision_mlp_dim,
    visionHeads: c.vision_heads,
    vlmWidth: c.vlm_width,
    vlmMlpDim: c.vlm_mlp_dim,
    expertWidth: c.expert_width,
    expertMlpDim: c.expert_mlp_dim,
    layers: c.layers,
    numHeads: c.num_heads,
    numKvHeads: c.num_kv_heads,
    headDim: c.head_dim,
    vocabSize: c.vocab_size,
    fast: s.use_fast_auxiliary
      ? { vocabSize: c.fast_vocab_size, maxTokens: c.max_fast_tokens, lossWeight: s.fast_loss_weight }
      : null,
    actionDim: c.action_dim,
    actionHorizon: c.action_horizon,
    maxStages: c.max_stages,
    taskNumStages: c.task_num_stages,
    stageLossWeight: s.subtask_loss_weight,
    insulation: s.use_knowledge_insulation,
    flowSamples: c.flow_samples,
    rmsEpsilon: c.norm_epsilon_rms,
    layerNormEpsilon: c.layernorm_epsilon,
  } satisfies Parameters<typeof modelConfig>[0] & object);
}
