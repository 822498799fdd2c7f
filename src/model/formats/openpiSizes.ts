import type { ModelConfig } from '../network/index.ts';

/** Sizes of openpi's `gemma.get_config`, which its trainer and server build networks of. */
const GEMMA = {
  gemma_2b: { width: 2048, mlp: 16384, layers: 18, heads: 8, kvHeads: 1, headDim: 256 },
  gemma_300m: { width: 1024, mlp: 4096, layers: 18, heads: 8, kvHeads: 1, headDim: 256 },
  dummy: { width: 64, mlp: 128, layers: 4, heads: 8, kvHeads: 1, headDim: 16 },
} as const;
/** Its one vision network, SigLIP So400m/14 at 224 pixels. */
const VISION = { width: 1152, mlp: 4304, layers: 27, heads: 16, patchSize: 14, imageSize: 224 };
const VOCABULARY = 257152;

/** Why openpi can build no network of these sizes to load a checkpoint into; undefined when it can. */
export function openpiSizeProblem(config: ModelConfig): string | undefined {
  const { layers, numHeads: heads, numKvHeads: kvHeads, headDim } = config;
  const known = (width: number, mlp: number) =>
    Object.values(GEMMA).some(
      (one) => String(Object.values(one)) === String([width, mlp, layers, heads, kvHeads, headDim]),
    );
  const vision = [
    config.visionWidth,
    config.visionMlpDim,
    config.visionLayers,
    config.visionHeads,
    config.patchSize,
    config.imageSize,
  ];
  const list = (sizes: object | readonly number[]) => Object.values(sizes).join(', ');
  const names = 'width, MLP, layers, heads';
  if (String(vision) !== String(Object.values(VISION)))
    return `vision has ${names}, patch and picture ${list(vision)} (expected ${list(VISION)})`;
  const variants = Object.entries(GEMMA).map(([variant, sizes]) => `${variant} ${list(sizes)}`);
  for (const [part, width, mlp] of [
    ['the language part', config.vlmWidth, config.vlmMlpDim],
    ['the expert', config.expertWidth, config.expertMlpDim],
  ] as const)
    if (!known(width, mlp)) {
      const sizes = list([width, mlp, layers, heads, kvHeads, headDim]);
      return `${part} has ${names}, shared heads and head ${sizes} (expected ${variants.join('; or ')})`;
    }
  if (config.vocabSize !== VOCABULARY) return `its vocabulary has ${config.vocabSize} rows (openpi has ${VOCABULARY})`;
  return undefined;
}
