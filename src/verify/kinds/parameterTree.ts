import { InputError, nearest } from '../../base/index.ts';
import {
  configOfGoldenCase,
  countParameters,
  type ModelConfig,
  modelConfig,
  parameterTree,
} from '../../model/index.ts';
import { compareExactly, UnknownQuantity } from '../compare.ts';
import type { GoldenCase } from '../goldenCase.ts';
import type { Check } from '../kind.ts';

interface Variant {
  readonly width: number;
  readonly mlpDim: number;
  readonly layers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
}

/** Sizes of the language models by the names that openpi gives them. */
const VARIANTS: Readonly<Record<string, Variant>> = {
  dummy: { width: 64, mlpDim: 128, layers: 4, numHeads: 8, numKvHeads: 1, headDim: 16 },
  gemma_300m: { width: 1024, mlpDim: 4096, layers: 18, numHeads: 8, numKvHeads: 1, headDim: 256 },
  gemma_2b: { width: 2048, mlpDim: 16384, layers: 18, numHeads: 8, numKvHeads: 1, headDim: 256 },
};
/** The vision tower of all of them, SigLIP So400m/14. */
const VISION = { imageSize: 224, visionWidth: 1152, visionLayers: 27, visionMlpDim: 4304, visionHeads: 16 };

interface Leaf {
  readonly shape: readonly number[];
  readonly dtype?: string;
  readonly kind?: string;
}

/** Names and shapes of every parameter leaf, and the totals where the manifest has them. */
export function parameterTreeKind(golden: GoldenCase): Check {
  const config = configOf(golden);
  return async (quantity) => {
    const leaves = await golden.json<Record<string, Leaf>>(quantity.file);
    const only = quantity.tensor && quantity.tensor !== '*' ? quantity.tensor : undefined;
    if (only && !(only in leaves)) throw new UnknownQuantity(golden.name, `no leaf ${only} in ${quantity.file}.`);
    const tree = new Map(parameterTree(config).map(({ name, shape }) => [name, shape]));
    const chunk = config.actionHorizon * config.actionDim;
    // Stored beside the parameters in a checkpoint, but not trained.
    const stored = new Map([['action_correlation_cholesky', [chunk, chunk]]]);
    const names = only ? [only] : new Set([...tree.keys(), ...Object.keys(leaves)]);
    const pairs = [...names].map((name) => {
      const expected = leaves[name];
      const shape = (expected?.kind === 'intermediate' ? stored : tree).get(name);
      return { what: name, got: shape ?? null, expected: expected?.shape ?? null };
    });
    const { totals } = golden.manifest as { totals?: { parameters?: number; parameter_leaves?: number } };
    if (totals?.parameters !== undefined)
      pairs.push({ what: 'parameters', got: [countParameters(config).total], expected: [totals.parameters] });
    if (totals?.parameter_leaves !== undefined)
      pairs.push({ what: 'parameter leaves', got: [tree.size], expected: [totals.parameter_leaves] });
    return compareExactly(pairs);
  };
}

/** The configuration by the names of its parts, or number by number as the network cases have it. */
function configOf({ config, name }: GoldenCase): ModelConfig {
  const fast = config['use_fast_auxiliary'] !== false && config['fast_vocab_size'] !== undefined;
  if (typeof config['vlm_width'] === 'number')
    return configOfGoldenCase(config, { use_fast_auxiliary: fast, ...config });
  const [vlm, expert] = ['vlm', 'expert'].map((part) => {
    const variant = String(config[part]);
    if (Object.hasOwn(VARIANTS, variant)) return VARIANTS[variant]!;
    const near = nearest(variant, Object.keys(VARIANTS));
    throw new InputError(name, `${part}: no variant ${variant}.${near ? ` The nearest is ${near}.` : ''}`);
  }) as [Variant, Variant];
  const { width: vlmWidth, mlpDim: vlmMlpDim, ...sizes } = vlm;
  for (const key of ['layers', 'numHeads', 'numKvHeads', 'headDim'] as const)
    if (vlm[key] !== expert[key]) throw new InputError(name, `the two experts differ in ${key}.`);
  const number = (key: string) => config[key] as number;
  return modelConfig({
    ...VISION,
    ...sizes,
    vlmWidth,
    vlmMlpDim,
    expertWidth: expert.width,
    expertMlpDim: expert.mlpDim,
    useFastAuxiliary: fast,
    ...(config['fast_vocab_size'] !== undefined && { fastVocabSize: number('fast_vocab_size') }),
    ...(config['max_fast_tokens'] !== undefined && { maxFastTokens: number('max_fast_tokens') }),
    ...(config['action_dim'] !== undefined && { actionDim: number('action_dim') }),
    ...(config['action_horizon'] !== undefined && { actionHorizon: number('action_horizon') }),
    ...(config['image_size'] !== undefined && { imageSize: number('image_size') }),
    ...(config['vocab_size'] !== undefined && { vocabSize: number('vocab_size') }),
    ...(config['max_stages'] !== undefined && { maxStages: number('max_stages') }),
    ...(config['task_num_stages'] !== undefined && { taskNumStages: config['task_num_stages'] as number[] }),
  });
}
