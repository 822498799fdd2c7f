import { InputError, nearest } from '../../base/index.ts';
import { type ModelConfig, type ModelConfigInput, modelConfig, STATE_BINS } from './config.ts';

/** The released network: gemma_2b + gemma_300m + SigLIP So400m/14 (docs/facts.md#network). */
const full: ModelConfigInput = {
  imageSize: 224,
  visionWidth: 1152,
  visionLayers: 27,
  visionMlpDim: 4304,
  visionHeads: 16,
  vlmWidth: 2048,
  vlmMlpDim: 16384,
  expertWidth: 1024,
  expertMlpDim: 4096,
  layers: 18,
  numHeads: 8,
  headDim: 256,
  useFastAuxiliary: true,
};

/**
 * The original architecture with small dimensions, to try things out: every path of `full`, seconds instead of hours.
 */
const dummy: ModelConfigInput = {
  imageSize: 56,
  visionWidth: 32,
  visionLayers: 2,
  visionMlpDim: 64,
  visionHeads: 4,
  vlmWidth: 64,
  vlmMlpDim: 128,
  expertWidth: 32,
  expertMlpDim: 64,
  layers: 4,
  numHeads: 4,
  headDim: 16,
  vocabSize: STATE_BINS,
  useFastAuxiliary: true,
  flowSamples: 2,
};

/** Trains from nothing on two CPU cores in about half an hour: 64x64 cameras, 16 tokens each, one state token. */
const nano: ModelConfigInput = {
  imageSize: 64,
  stem: { kind: 'convolution', channels: [48, 96], kernels: [6, 3, 3], strides: [4, 2, 2] },
  visionWidth: 160,
  visionLayers: 1,
  visionMlpDim: 320,
  visionHeads: 4,
  vlmWidth: 160,
  vlmMlpDim: 384,
  expertWidth: 96,
  expertMlpDim: 256,
  layers: 4,
  numHeads: 4,
  headDim: 32,
  stateTokens: { kind: 'continuous' },
  flowSamples: 3,
  auxiliary: { chunk: { weight: 1 }, tokenWidth: 12, hidden: 256 },
};

/** The presets by name. */
export const configs = { nano: modelConfig(nano), dummy: modelConfig(dummy), full: modelConfig(full) } as const;

/** A preset by its name. @throws InputError that names the nearest preset */
export function configNamed(name: string): ModelConfig {
  if (name in configs) return configs[name as keyof typeof configs];
  const near = nearest(name, Object.keys(configs));
  throw new InputError(
    'model configuration',
    `no preset "${name}".${near ? ` Did you mean "${near}"?` : ''} Presets: ${Object.keys(configs).join(', ')}.`,
  );
}
