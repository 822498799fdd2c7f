import { InputError, nearest, present } from '../../base/index.ts';
import { BEHAVIOR_STAGES } from '../../robot/index.ts';
import { type ModelConfig, type ModelConfigInput, modelConfig, type Part, parameterTree } from '../network/index.ts';
import { foreignPolicy } from './foreignPolicies.ts';
import { isValet, type StoredTree } from './openTree.ts';
import { elementsOf, type StoredLeaf } from './storedLeaf.ts';
import { type TorchOrigin, torchOrigin } from './torchPi05.ts';

/** Whose network a tree of parameters belongs to. */
export type Layout = 'valet' | 'winner' | 'pi05' | 'pi0' | TorchOrigin | 'foreign' | 'unknown';

/** Stored with the original's parameters, and none: the Cholesky factor of the noise [H·W, H·W]. */
export const CORRELATION = 'action_correlation_cholesky';

type Leaves = ReadonlyMap<string, Pick<StoredLeaf, 'shape'>>;

/** The layout by the leaves that only it has. */
export function layoutOf({ leaves, container }: Pick<StoredTree, 'leaves' | 'container'>): Layout {
  if (isValet({ container })) return 'valet';
  const origin = torchOrigin({ leaves: leaves as StoredTree['leaves'] });
  if (origin) return origin;
  const foreign = foreignPolicy([...leaves.keys()]);
  if (foreign) return 'foreign';
  if (!leaves.has('PaliGemma/llm/layers/attn/q_einsum_1/w') || !leaves.has('action_out_proj/kernel')) return 'unknown';
  if (leaves.has('task_embeddings/embedding')) return 'winner';
  if (leaves.has('time_mlp_in/kernel') && !leaves.has('state_proj/kernel')) return 'pi05';
  return leaves.has('action_time_mlp_in/kernel') || leaves.has('state_proj/kernel') ? 'pi0' : 'unknown';
}

/** The parts that `inspect` counts: those of the network, the correlation, and what is in none. */
export type CountedPart = Part | 'correlation' | 'other';

/** The part of a leaf by its name. */
export function partOf(name: string): CountedPart {
  const [top = '', second] = name.split('/');
  if (top === CORRELATION) return 'correlation';
  if (top === 'PaliGemma' && second === 'img') return 'vision';
  if (top === 'PaliGemma' && second === 'llm') {
    if (name.includes('/embedder/')) return 'embedding';
    return /_1(\/|$)/.test(name) ? 'expert' : 'vlm';
  }
  if (/^(action_(in|out)_proj|(action_)?time_mlp_(in|out)|state_proj)$/.test(top)) return 'flow';
  if (/^fast_token_/.test(top)) return 'fast';
  if (/^(task_|gate_|fusion_layer|stage_)/.test(top)) return 'task';
  if (top === 'kv_transform') return 'kv';
  if (/^state_mlp_/.test(top)) return 'state';
  return top === 'auxiliary' ? 'auxiliary' : 'other';
}

/** Low-rank additions to weights (openpi's LoRA): `q_einsum/lora_a`, `gating_einsum_lora_b`. */
const isLora = (name: string): boolean => /(^|[/._])lora_[ab](\/|\.|$)/i.test(name);

/** @throws InputError for a tree with low-rank additions, without which its network is another one */
export function refuseLora({ leaves, path }: Pick<StoredTree, 'leaves' | 'path'>, verb: string): void {
  const lora = [...leaves.keys()].filter(isLora);
  if (lora.length > 0)
    throw new InputError(
      path,
      `holds ${lora.length} low-rank additions (LoRA), first ${lora[0]}, without which its network is another one. ` +
        `They are not read, and it cannot be ${verb}. Add their products to the weights first.`,
    );
}

/** A matrix of an int8 checkpoint is stored layer by layer as `name#…`, with its scales behind. */
const INT8_KEY = /^([^#]+)#/;

/** Numbers per part, parts in the order of the tree. */
export function countParts(leaves: Leaves): Partial<Record<CountedPart, number>> {
  const parts: Partial<Record<CountedPart, number>> = {};
  for (const [name, { shape }] of leaves) parts[partOf(name)] = (parts[partOf(name)] ?? 0) + elementsOf(shape);
  return parts;
}

/**
 * The configuration that a tree's shapes speak of. What no shape tells (stages per task, tokens of a FAST row) is the
 * original's, or comes from `known`.
 * @throws InputError that names the first leaf that is missing or has another rank
 */
export function guessConfig(leaves: Leaves, where: string, known: Partial<ModelConfigInput> = {}): ModelConfig {
  const other = foreignPolicy([...leaves.keys()]);
  if (other) throw new InputError(where, `holds ${other}, which is another network and is not read. Start from π0.5.`);
  const shape = (name: string, rank: number): number[] => {
    const found = leaves.get(name)?.shape;
    if (found?.length === rank) return [...found];
    const near = found ? undefined : nearest(name, leaves.keys());
    throw new InputError(
      where,
      `its configuration cannot be told: ${name} is ` +
        `${found ? `[${found.join(', ')}] (expected ${rank} axes)` : 'missing'}${near ? ` (there is ${near})` : ''}.`,
    );
  };
  const [patchSize, , , visionWidth] = shape('PaliGemma/img/embedding/kernel', 4) as [number, number, number, number];
  const tokens = present(shape('PaliGemma/img/pos_embedding', 3)[1], 'shape(PaliGemma/img/pos_embedding, 3)[1]');
  const block = 'PaliGemma/img/Transformer/encoderblock';
  const [visionLayers, , visionMlpDim] = shape(`${block}/MlpBlock_0/Dense_0/kernel`, 3) as [number, number, number];
  const visionHeads = present(
    shape(`${block}/MultiHeadDotProductAttention_0/query/kernel`, 4)[2],
    'shape({block}/MultiHeadDotProductAttention_0/qu…',
  );
  const llm = 'PaliGemma/llm/layers';
  const [layers, numHeads, vlmWidth, headDim] = shape(`${llm}/attn/q_einsum/w`, 4) as [number, number, number, number];
  const numKvHeads = present(shape(`${llm}/attn/kv_einsum/w`, 5)[2], 'shape({llm}/attn/kv_einsum/w, 5)[2]');
  const own = leaves.has('task_embeddings/embedding');
  const actionDim = present(shape('action_in_proj/kernel', 2)[0], 'shape(action_in_proj/kernel, 2)[0]');
  const correlation = leaves.get(CORRELATION)?.shape[0];
  const input: ModelConfigInput = {
    imageSize: patchSize * Math.round(Math.sqrt(tokens)),
    patchSize,
    visionWidth,
    visionLayers,
    visionMlpDim,
    visionHeads,
    vlmWidth,
    vlmMlpDim: present(shape(`${llm}/mlp/gating_einsum`, 4)[3], 'shape({llm}/mlp/gating_einsum, 4)[3]'),
    expertWidth: present(shape(`${llm}/attn/q_einsum_1/w`, 4)[2], 'shape({llm}/attn/q_einsum_1/w, 4)[2]'),
    expertMlpDim: present(shape(`${llm}/mlp_1/gating_einsum`, 4)[3], 'shape({llm}/mlp_1/gating_einsum, 4)[3]'),
    layers,
    numHeads,
    numKvHeads,
    headDim,
    vocabSize: present(
      shape('PaliGemma/llm/embedder/input_embedding', 2)[0],
      'shape(PaliGemma/llm/embedder/input_embedding, 2…',
    ),
    useFastAuxiliary: !own || leaves.has('fast_token_embedding/embedding'),
    ...(leaves.has('fast_token_embedding/embedding') && {
      fastVocabSize: present(
        shape('fast_token_embedding/embedding', 2)[0],
        'shape(fast_token_embedding/embedding, 2)[0]',
      ),
    }),
    actionDim,
    ...(correlation && correlation % actionDim === 0 && { actionHorizon: correlation / actionDim }),
    ...(leaves.has('stage_pred_from_vlm/bias') && {
      maxStages: present(shape('stage_pred_from_vlm/bias', 1)[0], 'shape(stage_pred_from_vlm/bias, 1)[0]'),
    }),
    ...(own && !leaves.has('kv_transform/k_coeffs') && { useKvTransform: false }),
    ...known,
  };
  if (own) requireStages(input.taskNumStages ?? BEHAVIOR_STAGES, where, shape);
  return modelConfig(input, where);
}

/** The table of task-stage pairs has a row for each of `stages`. @throws InputError that says how to give others */
function requireStages(
  stages: readonly number[],
  where: string,
  shape: (name: string, rank: number) => number[],
): void {
  const [tasks] = shape('task_embeddings/embedding', 2);
  const [rows] = shape('task_stage_embeddings/embedding', 2);
  const sum = stages.reduce((a, b) => a + b, 0);
  if (stages.length === tasks && sum === rows) return;
  throw new InputError(
    where,
    `its configuration cannot be told: it has ${tasks} tasks with ${rows} stages in all, and how many each has is ` +
      `not in it (expected: ${stages.length} with ${sum}). Give it: --stages FILE, a JSON list of each task's stages.`,
  );
}

/** What a configuration wants of a tree. */
export interface Difference {
  readonly missing: readonly { readonly name: string; readonly nearest?: string }[];
  readonly extra: readonly { readonly name: string; readonly nearest?: string }[];
  readonly wrong: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly expected: readonly number[];
  }[];
}

/** Compares leaves with the tree of a configuration; `wanted` leaves out what a layout need not have. */
export function difference(
  leaves: Leaves,
  config: ModelConfig,
  wanted: (name: string) => boolean = () => true,
): Difference {
  const tree = new Map(parameterTree(config).map(({ name, shape }) => [name, shape]));
  const rounded = new Set([...leaves.keys()].flatMap((name) => INT8_KEY.exec(name)?.[1] ?? []));
  const missing = [...tree.keys()].filter((name) => wanted(name) && !leaves.has(name) && !rounded.has(name));
  const isExtra = (name: string): boolean => name !== CORRELATION && !tree.has(INT8_KEY.exec(name)?.[1] ?? name);
  const extra = [...leaves.keys()].filter(isExtra);
  const near = (name: string, candidates: readonly string[]) => {
    const found = nearest(name, candidates);
    return { name, ...(found && { nearest: found }) };
  };
  return {
    missing: missing.map((name) => near(name, extra)),
    extra: extra.map((name) => near(name, missing)),
    wrong: [...tree].flatMap(([name, expected]) => {
      const shape = leaves.get(name)?.shape;
      return shape && String(shape) !== String(expected) ? [{ name, shape, expected }] : [];
    }),
  };
}
