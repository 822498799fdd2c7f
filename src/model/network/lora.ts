import { InputError, nearest } from '../../base/index.ts';
import {
  add,
  Builder,
  concat,
  linear,
  type Program,
  reshape,
  scale,
  split,
  type Tensor,
  transpose,
} from '../../tensor/index.ts';
import type { ModelConfig } from './config.ts';
import type { NetworkLeaf } from './tree.ts';

/**
 * Low-rank adapters of the vision-language model (LoRA, Hu et al. 2021, arXiv:2106.09685): beside x·W stands
 * (alpha / rank) · (x·A)·B, with A [in, rank] drawn at random and B [rank, out] zero, so that training begins with the
 * network as it is. W itself is not trained.
 */
export interface Lora {
  readonly rank: number;
  /** The factor of what an adapter adds is alpha / rank; null: as large as the rank, so 1. */
  readonly alpha: number | null;
  /** Projections by PEFT's names, and groups of them: openpi's `attn` and `ffn`, PEFT's `all-linear`. */
  readonly targets: readonly string[];
}

/** One matrix of a block that can have an adapter, [in, out] for a row of activations. */
export type Projection = 'q_proj' | 'k_proj' | 'v_proj' | 'o_proj' | 'gate_proj' | 'up_proj' | 'down_proj';

const LAYERS = 'PaliGemma/llm/layers';
/** The leaf that holds a projection, and which part of it along its first axis (of one layer) it is. */
const HOMES: Readonly<Record<Projection, { readonly leaf: string; readonly half?: 0 | 1 }>> = {
  q_proj: { leaf: `${LAYERS}/attn/q_einsum/w` },
  k_proj: { leaf: `${LAYERS}/attn/kv_einsum/w`, half: 0 },
  v_proj: { leaf: `${LAYERS}/attn/kv_einsum/w`, half: 1 },
  o_proj: { leaf: `${LAYERS}/attn/attn_vec_einsum/w` },
  gate_proj: { leaf: `${LAYERS}/mlp/gating_einsum`, half: 0 },
  up_proj: { leaf: `${LAYERS}/mlp/gating_einsum`, half: 1 },
  down_proj: { leaf: `${LAYERS}/mlp/linear` },
};
const PROJECTIONS = Object.keys(HOMES) as Projection[];
const GROUPS: Readonly<Record<string, readonly Projection[]>> = {
  attn: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
  ffn: ['gate_proj', 'up_proj', 'down_proj'],
  'all-linear': PROJECTIONS,
};

/** What `targets` of a LoRA may name. */
const LORA_TARGETS: readonly string[] = [...Object.keys(GROUPS), ...PROJECTIONS];

/** The projections that targets name, each once. @throws InputError for an unknown one, with the nearest */
function loraProjections({ targets }: Pick<Lora, 'targets'>, where = 'lora'): Projection[] {
  const named = targets.flatMap((target) => {
    if (Object.hasOwn(GROUPS, target)) return GROUPS[target] ?? [];
    if (Object.hasOwn(HOMES, target)) return [target as Projection];
    const near = nearest(target, LORA_TARGETS);
    throw new InputError(
      where,
      `there is no target '${target}'. ${near ? `Did you mean '${near}'? ` : ''}Targets: ${LORA_TARGETS.join(', ')}.`,
    );
  });
  if (named.length === 0) throw new InputError(where, `names no target (expected some of ${LORA_TARGETS.join(', ')}).`);
  return PROJECTIONS.filter((projection) => named.includes(projection));
}

/** Length of the rows that a projection takes and gives. */
function sizesOf(config: ModelConfig, projection: Projection): readonly [input: number, output: number] {
  const { vlmWidth: width, vlmMlpDim: mlp, numHeads, numKvHeads, headDim } = config;
  switch (projection) {
    case 'q_proj':
      return [width, numHeads * headDim];
    case 'o_proj':
      return [numHeads * headDim, width];
    case 'k_proj':
    case 'v_proj':
      return [width, numKvHeads * headDim];
    case 'down_proj':
      return [mlp, width];
    default:
      return [width, mlp];
  }
}

/** The leaf of an adapter's matrix, beside the leaf of its projection. */
const adapterName = (projection: Projection, matrix: 'a' | 'b'): string =>
  `${HOMES[projection].leaf.split('/').slice(0, 4).join('/')}/${projection}/lora_${matrix}`;

/**
 * The leaves of all adapters, [layers, in, rank] and [layers, rank, out].
 * @throws InputError for an unknown target, and a rank that is not lower than the matrices'
 */
export function loraTree(config: ModelConfig, lora: Lora, where = 'lora'): NetworkLeaf[] {
  return loraProjections(lora, where).flatMap((projection): NetworkLeaf[] => {
    const [input, output] = sizesOf(config, projection);
    if (lora.rank > Math.min(input, output))
      throw new InputError(
        where,
        `rank ${lora.rank} is more than a matrix of ${input} × ${output} has (${projection}). Take at most ` +
          `${Math.min(input, output)}, or leave the target out.`,
      );
    const common = { part: 'lora', stacked: true } as const;
    const first = { kind: 'normal', deviation: 1 / Math.sqrt(input) } as const;
    return [
      { ...common, name: adapterName(projection, 'a'), shape: [config.layers, input, lora.rank], init: first },
      {
        ...common,
        name: adapterName(projection, 'b'),
        shape: [config.layers, lora.rank, output],
        init: { kind: 'zeros' },
      },
    ];
  });
}

/** The leaves that adapters are of; they are not trained themselves. */
export const loraBases = (lora: Lora): string[] => [...new Set(loraProjections(lora).map((one) => HOMES[one].leaf))];

/** The matrices of one adapter, [in, rank] and [rank, out], and the factor of what they add. */
export interface Adapter {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly factor: number;
}

/** What an adapter adds to the product of `x` [..., in] with its projection, [..., out]. */
export const adapted = (x: Tensor, { a, b, factor }: Adapter): Tensor => linear(scale(linear(x, a), factor), b);

const loraFactor = ({ rank, alpha }: Lora): number => (alpha ?? rank) / rank;

/** How the adapter of a projection is found in a network under construction; undefined where it has none. */
export function adapterOf(lora: Lora, projection: Projection, weight: (leaf: string) => Tensor): Adapter | undefined {
  if (!loraProjections(lora).includes(projection)) return undefined;
  const [a, b] = [weight(adapterName(projection, 'a')), weight(adapterName(projection, 'b'))];
  return { a, b, factor: loraFactor(lora) };
}

/**
 * One layer of a leaf with its adapters added: W + (alpha / rank) · A·B. Inputs: the layer's part of the leaf, and of
 * the adapters' leaves, by the leaves' names; output `merged`.
 */
export function buildMergeProgram(config: ModelConfig, lora: Lora, leaf: string): Program {
  const builder = new Builder();
  const { numHeads, numKvHeads, headDim, vlmWidth: width, vlmMlpDim: mlp } = config;
  const own = loraProjections(lora).filter((projection) => HOMES[projection].leaf === leaf);
  const shapes = new Map(loraTree(config, lora).map(({ name, shape }) => [name, shape.slice(1)]));
  const delta = (projection: Projection): Tensor => {
    const given = (name: string) => builder.input(name, shapes.get(name) ?? []);
    const [a, b] = [given(adapterName(projection, 'a')), given(adapterName(projection, 'b'))];
    return linear(scale(a, loraFactor(lora)), b);
  };
  /** [in, heads·h] as the original stores it, [heads, in, h]. */
  const byHead = (x: Tensor, heads: number) => transpose(reshape(x, [width, heads, headDim]), [1, 0, 2]);
  /** Two matrices in one leaf: one without an adapter stays as it is. */
  const halves = (w: Tensor, names: readonly [Projection, Projection], shaped: (x: Tensor) => Tensor): Tensor => {
    const parts = split(w, 0, [1, 1]).map((part, i) => {
      const name = names[i as 0 | 1];
      return own.includes(name) ? add(part, reshape(shaped(delta(name)), part.shape)) : part;
    });
    return concat(parts, 0);
  };
  const w = (shape: readonly number[]) => builder.input(leaf, shape);
  const merged = (): Tensor => {
    switch (own[0]) {
      case 'q_proj':
        return add(w([numHeads, width, headDim]), byHead(delta('q_proj'), numHeads));
      case 'k_proj':
      case 'v_proj':
        return halves(w([2, numKvHeads, width, headDim]), ['k_proj', 'v_proj'], (x) => byHead(x, numKvHeads));
      case 'o_proj':
        return add(w([numHeads, headDim, width]), reshape(delta('o_proj'), [numHeads, headDim, width]));
      case 'down_proj':
        return add(w([mlp, width]), delta('down_proj'));
      default:
        return halves(w([2, width, mlp]), ['gate_proj', 'up_proj'], (x) => x);
    }
  };
  builder.output('merged', merged());
  return builder.build();
}
