import { type ModelConfig, modelConfig, STATE_BINS } from './config.ts';

/** The leaf of the language model's vocabulary, whose first rows the state's tokens are. */
export const VOCABULARY = 'PaliGemma/llm/embedder/input_embedding';

/**
 * The network with those rows of its vocabulary that are looked up, the first ones, where it is not trained (AdamW
 * would change the others too).
 */
export function withoutUnreadRows(config: ModelConfig, trainable: (leaf: string) => boolean): ModelConfig {
  if (trainable(VOCABULARY)) return config;
  return modelConfig({ ...config, vocabSize: Math.min(config.vocabSize, STATE_BINS) });
}
