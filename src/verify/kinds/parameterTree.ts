import { InputError, nearest } from '../../base/index.ts';
import { countParameters, type ModelConfig, parameterTree } from '../../model/index.ts';
import { compareExactly, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, pattern } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import { configOfGoldenCase } from '../networkConfig.ts';

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
const VISION = { image_size: 224, vision_width: 1152, vision_layers: 27, vision_mlp_dim: 4304, vision_heads: 16 };

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
    const tree = new Map(parameterTree(config).map(({ name, shape }) => [name, shape]));
    const fits = pattern(quantity.tensor ?? '*');
    const chunk = config.actionHorizon * config.actionDim;
    // Stored beside the parameters in a checkpoint, but not trained.
    const stored = new Map([['action_correlation_cholesky', [chunk, chunk]]]);
    const names = [...new Set([...tree.keys(), ...Object.keys(leaves)])].filter((name) => fits.test(name));
    if (names.length === 0) throw new UnknownQuantity(golden.name, `no leaf fits ${quantity.tensor}.`);
    const pairs = names.map((name) => {
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

/**
 * The configuration by the names of its parts, single numbers in their place where the manifest has them, or all number
 * by number.
 */
function configOf({ config, name }: GoldenCase): ModelConfig {
  const fast = config['use_fast_auxiliary'] ?? config['fast_vocab_size'] !== undefined;
  const sizes = { ...VISION, ...variantsOf(config, name) };
  return configOfGoldenCase({ ...sizes, use_fast_auxiliary: fast, ...config }, {}, name);
}

/**
 * Sizes of both language models, where the manifest names variants. @throws InputError for an unknown one, and for two
 * that do not go together
 */
function variantsOf(config: Record<string, unknown>, name: string): Record<string, number> {
  const named = [config['vlm'] ?? config['paligemma_variant'], config['expert'] ?? config['action_expert_variant']];
  if (named.every((variant) => variant === undefined)) return {};
  const [vlm, expert] = named.map((variant, i) => {
    if (typeof variant === 'string' && Object.hasOwn(VARIANTS, variant)) return VARIANTS[variant]!;
    const near = nearest(String(variant), Object.keys(VARIANTS));
    throw new InputError(
      name,
      `${['vlm', 'expert'][i]}: no variant ${variant}.${near ? ` The nearest is ${near}.` : ''}`,
    );
  }) as [Variant, Variant];
  for (const key of ['layers', 'numHeads', 'numKvHeads', 'headDim'] as const)
    if (vlm[key] !== expert[key]) throw new InputError(name, `the two experts differ in ${key}.`);
  return {
    vlm_width: vlm.width,
    vlm_mlp_dim: vlm.mlpDim,
    expert_width: expert.width,
    expert_mlp_dim: expert.mlpDim,
    layers: vlm.layers,
    num_heads: vlm.numHeads,
    num_kv_heads: vlm.numKvHeads,
    head_dim: vlm.headDim,
  };
}
