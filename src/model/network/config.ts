import { z } from 'zod';
import { InputError, parse } from '../../base/index.ts';
import {
  BEHAVIOR_STAGES,
  CHALLENGE_ROBOT,
  type Robot,
  requireTaskSuccessors,
  type TaskSuccessors,
} from '../../robot/index.ts';
import { refuseRenamedKeys } from './renamedKeys.ts';

const count = z.number().int().positive();

/** Bins of a discrete state number, whose tokens are the first rows of the language vocabulary. */
export const STATE_BINS = 256; // robot-literal: bins of a state number

/**
 * How pixels become image tokens. `patch`: the original's 14x14 convolution. `convolution`: a stack of strided
 * convolutions, for small pictures.
 */
const StemSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('patch') }),
  z.strictObject({
    kind: z.literal('convolution'),
    /** Output channels of each convolution but the last, whose output is `visionWidth` wide. */
    channels: z.array(count),
    /** Kernel side and stride of each convolution (one more than `channels`). */
    kernels: z.array(count),
    strides: z.array(count),
  }),
]);

/** How the normalised state becomes tokens: one of STATE_BINS a number (original), or one token from a small MLP. */
const StateTokensSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('discrete'), range: z.number().positive().default(1) }),
  z.strictObject({ kind: z.literal('continuous') }),
]);

/** Heads outside the original tree that exist for their training signal alone. */
const AuxiliarySchema = z.strictObject({
  /** L1 regression of the normalised action chunk. */
  chunk: z.strictObject({ weight: z.number().nonnegative() }).optional(),
  /** L1 regression of `size` privileged numbers (object positions relative to the robot). */
  objects: z.strictObject({ size: count, weight: z.number().nonnegative() }).optional(),
  /** Numbers that each prefix token gives to the heads, and the hidden width of both. */
  tokenWidth: count.default(12),
  hidden: count.default(256),
});

/**
 * Everything that is needed to build the network. Two networks with equal configurations have equal parameter trees.
 */
export const ModelConfigSchema = z.strictObject({
  imageSize: count,
  /** The cameras' names in the order of their tokens, at least one. */
  cameras: z
    .array(z.string().min(1))
    .min(1)
    .default(() => [...CHALLENGE_ROBOT.cameraNames]),
  patchSize: count.default(14),
  stem: StemSchema.default({ kind: 'patch' }),
  visionWidth: count,
  visionLayers: count,
  visionMlpDim: count,
  visionHeads: count,
  vlmWidth: count,
  vlmMlpDim: count,
  expertWidth: count,
  expertMlpDim: count,
  layers: count,
  numHeads: count,
  numKvHeads: count.default(1),
  headDim: count,
  /** Rows of the language vocabulary; only the first are used, by the bins of discrete state tokens. */
  vocabSize: count.default(257152),
  stateTokens: StateTokensSchema.default({ kind: 'discrete', range: 1 }),
  /** FAST tokens as a second target of training; without them their three leaves are left out. */
  useFastAuxiliary: z.boolean().default(false),
  /** Weight of the FAST tokens' cross entropy in the loss. */
  fastLossWeight: z.number().nonnegative().default(0.05),
  /** Rows of the FAST vocabulary, and tokens that a chunk may take (more are cut off). */
  fastVocabSize: count.default(1024),
  maxFastTokens: count.default(200),
  actionDim: count.default(CHALLENGE_ROBOT.paddedWidth),
  actionHorizon: count.default(CHALLENGE_ROBOT.horizon),
  maxStages: count.default(15),
  taskNumStages: z.array(count).default(() => [...BEHAVIOR_STAGES]),
  /**
   * Tasks whose stages branch, by id: for each stage those that may follow it. What follows the stages of an episode
   * goes by it; the network itself does not.
   */
  stageSuccessors: z.record(z.string(), z.array(z.array(z.number().int().nonnegative()))).optional(),
  /**
   * Weights of two heads on the prefix, which are there where theirs is above 0: whether the episode ends at its goal
   * (cross entropy), and the share of its time that has passed (squared error).
   */
  successLossWeight: z.number().nonnegative().default(0),
  progressLossWeight: z.number().nonnegative().default(0),
  /** Weight of the stage's cross entropy in the loss. */
  subtaskLossWeight: z.number().nonnegative().default(0.1),
  /**
   * KV mixing: every layer of the action expert sees a learned mixture of all layers' keys and values; without it layer
   * d sees layer d.
   */
  useKvTransform: z.boolean().default(true),
  /** Knowledge insulation: the action loss does not reach the vision-language part. */
  useKnowledgeInsulation: z.boolean().default(false),
  /** The flow's noise has the correlation of the data's chunks; without it, it is white. */
  useCorrelatedNoise: z.boolean().default(true),
  /** Share of the data's correlation in the noise: L = chol(beta·Σ + (1 − beta)·I). */
  correlationBeta: z.number().min(0).max(1).default(0.5),
  /** Kept actions are held while the flow time is above this. */
  timeThresholdInpaint: z.number().min(0).max(1).default(0.3),
  /** Flow samples per prefix pass in training. */
  flowSamples: count.default(15),
  auxiliary: AuxiliarySchema.nullable().default(null),
  rmsEpsilon: z.number().positive().default(1e-6),
  layerNormEpsilon: z.number().positive().default(1e-6),
});
export type ModelConfig = z.infer<typeof ModelConfigSchema>;
export type ModelConfigInput = z.input<typeof ModelConfigSchema>;

/** Fills in the original's defaults and checks that the sizes fit together. @throws InputError */
export function modelConfig(input: unknown, where = 'model configuration'): ModelConfig {
  refuseRenamedKeys(input, Object.keys(ModelConfigSchema.shape), where);
  const config = parse(where, ModelConfigSchema, input);
  const wrong = (what: string): never => {
    throw new InputError(where, what);
  };
  if (new Set(config.cameras).size < config.cameras.length)
    wrong(`cameras names one twice (got ${config.cameras.join(', ')}).`);
  if (config.vlmWidth % 4) wrong(`vlmWidth must be a multiple of 4 (got ${config.vlmWidth}).`);
  if (config.expertWidth % 2) wrong(`expertWidth must be even (got ${config.expertWidth}).`);
  if (config.headDim % 2) wrong(`headDim must be even (got ${config.headDim}).`);
  if (config.visionWidth % config.visionHeads)
    wrong(`visionWidth must be a multiple of visionHeads (got ${config.visionWidth} and ${config.visionHeads}).`);
  if (config.numHeads % config.numKvHeads)
    wrong(`numHeads must be a multiple of numKvHeads (got ${config.numHeads} and ${config.numKvHeads}).`);
  if (Math.max(...config.taskNumStages) > config.maxStages)
    wrong(`a task has more than maxStages = ${config.maxStages} stages.`);
  requireTaskSuccessors(`${where}: stageSuccessors`, config.stageSuccessors ?? {}, config.taskNumStages);
  const { stem } = config;
  if (stem.kind === 'patch' && config.imageSize % config.patchSize)
    wrong(`imageSize must be a multiple of patchSize (got ${config.imageSize} and ${config.patchSize}).`);
  if (stem.kind === 'convolution') {
    if (stem.kernels.length !== stem.channels.length + 1 || stem.strides.length !== stem.kernels.length)
      wrong('a convolution stem needs one kernel and one stride per convolution, one more than channels.');
    const stride = stem.strides.reduce((a, b) => a * b, 1);
    if (config.imageSize % stride)
      wrong(`imageSize must be a multiple of the stem's whole stride ${stride} (got ${config.imageSize}).`);
  }
  return config;
}

/** What a session must know of a network's tasks: options of `createSession` by name. */
export interface ModelStages {
  /** Stages of each task by id. */
  readonly taskNumStages: readonly number[];
  readonly stageSuccessors: TaskSuccessors;
}
export const taskStagesOf = ({ taskNumStages, stageSuccessors = {} }: ModelConfig): ModelStages => ({
  taskNumStages,
  stageSuccessors,
});

/** Whether the prefix has heads that tell how the episode goes. */
export const hasOutcomeHeads = ({ successLossWeight, progressLossWeight }: ModelConfig): boolean =>
  successLossWeight > 0 || progressLossWeight > 0;

/** A configuration whose sizes are a robot's, where `input` does not say otherwise: padded width, horizon, cameras. */
export function modelConfigFor(robot: Robot, input: ModelConfigInput, where?: string): ModelConfig {
  const { paddedWidth: actionDim, horizon: actionHorizon, cameraNames } = robot;
  return modelConfig({ actionDim, actionHorizon, cameras: [...cameraNames], ...input }, where);
}

/** Image tokens along one side of one camera's picture. */
export function tokensPerSide(config: ModelConfig): number {
  const stride = config.stem.kind === 'patch' ? config.patchSize : config.stem.strides.reduce((a, b) => a * b, 1);
  return config.imageSize / stride;
}

/**
 * Where the parts of the prefix begin. Images (camera by camera), base task, four stage tokens, state, FAST (training
 * only).
 */
export interface PrefixLayout {
  readonly cameraTokens: number;
  /** The base-task token, whose output predicts the stage. */
  readonly base: number;
  readonly state: number;
  /** Length without FAST tokens: what the action expert sees. */
  readonly length: number;
  readonly fastTokens: number;
  readonly total: number;
}

export function prefixLayout(config: ModelConfig, { fast = false }: { fast?: boolean } = {}): PrefixLayout {
  const cameraTokens = tokensPerSide(config) ** 2;
  const base = config.cameras.length * cameraTokens;
  const state = base + 5;
  const length = state + (config.stateTokens.kind === 'discrete' ? config.actionDim : 1);
  const fastTokens = fast && config.useFastAuxiliary ? config.maxFastTokens : 0;
  return { cameraTokens, base, state, length, fastTokens, total: length + fastTokens };
}
