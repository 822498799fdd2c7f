import { z } from 'zod';
import { parse } from '../base/index.ts';
import { type ModelConfig, modelConfig } from '../model/index.ts';

const count = z.number().int().positive();

/** A golden manifest's `config`, with what a sub-case sets in its place. What is left out has the original's value. */
const GoldenConfigSchema = z.object({
  vlm_width: count,
  layers: count,
  vlm_mlp_dim: count,
  num_heads: count,
  num_kv_heads: count.default(1),
  head_dim: count,
  expert_width: count,
  expert_mlp_dim: count,
  vision_width: count,
  vision_layers: count,
  vision_mlp_dim: count,
  vision_heads: count,
  vocab_size: count.optional(),
  fast_vocab_size: count.optional(),
  max_fast_tokens: count.optional(),
  image_size: count,
  cameras: z.array(z.string()).min(1).optional(),
  action_dim: count.optional(),
  action_horizon: count.optional(),
  patch_size: count.optional(),
  max_stages: count.optional(),
  task_num_stages: z.array(count).optional(),
  norm_epsilon_rms: z.number().positive().optional(),
  layernorm_epsilon: z.number().positive().optional(),
  flow_samples: count.default(1),
  use_knowledge_insulation: z.boolean().default(false),
  use_kv_transform: z.boolean().default(true),
  use_fast_auxiliary: z.boolean().default(false),
  fast_loss_weight: z.number().nonnegative().optional(),
  subtask_loss_weight: z.number().nonnegative().optional(),
  use_correlated_noise: z.boolean().default(true),
  correlation_beta: z.number().min(0).max(1).optional(),
  time_threshold_inpaint: z.number().min(0).max(1).optional(),
});

/** The model configuration of a golden case: its manifest's `config`, and what a sub-case sets in its place. */
export function configOfGoldenCase(manifestConfig: unknown, subcase: object = {}, where = 'golden case'): ModelConfig {
  const c = parse(`${where}: config`, GoldenConfigSchema, { ...(manifestConfig as object), ...subcase });
  const input = {
    imageSize: c.image_size,
    cameras: c.cameras,
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
    useFastAuxiliary: c.use_fast_auxiliary,
    fastLossWeight: c.fast_loss_weight,
    fastVocabSize: c.fast_vocab_size,
    maxFastTokens: c.max_fast_tokens,
    actionDim: c.action_dim,
    actionHorizon: c.action_horizon,
    maxStages: c.max_stages,
    taskNumStages: c.task_num_stages,
    subtaskLossWeight: c.subtask_loss_weight,
    useKvTransform: c.use_kv_transform,
    useKnowledgeInsulation: c.use_knowledge_insulation,
    useCorrelatedNoise: c.use_correlated_noise,
    correlationBeta: c.correlation_beta,
    timeThresholdInpaint: c.time_threshold_inpaint,
    flowSamples: c.flow_samples,
    rmsEpsilon: c.norm_epsilon_rms,
    layerNormEpsilon: c.layernorm_epsilon,
  };
  return modelConfig(Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)), where);
}
