import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../base/index.ts';
import type { ModelConfigInput } from '../network/index.ts';
import type { StoredTree } from './openTree.ts';
import type { Chunk, StoredLeaf } from './storedLeaf.ts';
import { originalLeaves, type Pi05Sizes } from './torchPi05Leaves.ts';

/** Who wrote a π0.5 in PyTorch's names: LeRobot puts `model.` before openpi's. */
export type TorchOrigin = 'lerobot-pi05' | 'openpi-pytorch';

const MARK = /(^|\.)paligemma_with_expert\./;
/** Heads of SigLIP So400m, whose width tells it; the names tell no heads. */
const SIGLIP = { width: 1152, heads: 16 };

/** A PyTorch name as openpi writes it today, whatever wrappers and older libraries call it. */
function canonical(name: string): string {
  return name
    .replace(/^(?:(?:module|_orig_mod|policy|model)\.)+/, '')
    .replace(/\.paligemma\.(vision_tower|multi_modal_projector|language_model)\./, '.paligemma.model.$1.')
    .replace('.paligemma.model.language_model.model.', '.paligemma.model.language_model.')
    .replace('.paligemma.model.language_model.lm_head.', '.paligemma.lm_head.')
    .replace(/\.gemma_expert\.(layers|norm)\./, '.gemma_expert.model.$1.');
}

type Names = Pick<StoredTree, 'leaves'>;

const dotted = ({ leaves }: Names): Map<string, StoredLeaf> =>
  new Map([...leaves.values()].map((leaf) => [leaf.name.replaceAll('/', '.'), leaf]));

/** Whether a tree has the names of openpi's PyTorch form, and whose it is; undefined for any other. */
export function torchOrigin(tree: Names): TorchOrigin | undefined {
  const marked = [...dotted(tree).keys()].find((name) => MARK.test(name));
  if (marked === undefined) return undefined;
  return /(^|\.)model\.paligemma_with_expert\./.test(marked) ? 'lerobot-pi05' : 'openpi-pytorch';
}

/** Copies that PyTorch keeps beside the weights, and parts that no action is made with. */
const NEEDLESS = /gemma_expert\.lm_head\.|gemma_expert\.model\.embed_tokens\.|\.rotary_emb\.|position_ids$/;

/**
 * A π0.5 in PyTorch's names as a tree of the original's: the same numbers, whose axes are put in order when they are
 * read. Any other tree comes back as it is.
 * @param known heads, which no name or shape tells where they are not PaliGemma's
 * @throws InputError that says what it is and which tensor is missing or of another shape
 */
export function asOriginalTree(tree: StoredTree, known: Partial<ModelConfigInput> = {}): StoredTree {
  const origin = torchOrigin(tree);
  if (!origin) return tree;
  const tensors = new Map<string, StoredLeaf>();
  for (const [name, leaf] of dotted(tree)) tensors.set(canonical(name), leaf);
  const what = origin === 'lerobot-pi05' ? "LeRobot's π0.5 (pi05)" : "openpi's PyTorch form of π0.5";
  if (tensors.has('state_proj.weight') || tensors.has('action_time_mlp_in.weight'))
    throw new InputError(
      tree.path,
      `holds π0 in PyTorch's names (${origin === 'lerobot-pi05' ? 'LeRobot' : 'openpi'}), which is another network. ` +
        'Start from π0.5.',
    );
  const fail = (problem: string): never => {
    throw new InputError(tree.path, `holds ${what}, but ${problem}`);
  };
  const sizes = sizesOf(tensors, known, fail);
  const used = new Set<string>();
  const missing: string[] = [];
  const leaves = new Map<string, StoredLeaf>();
  for (const { name, shape, order, pieces } of originalLeaves(sizes)) {
    const chunks: Chunk[] = [];
    let first: StoredLeaf | undefined;
    const [{ torch, size } = { torch: '', size: [] }] = pieces;
    for (const { torch: names, at } of pieces) {
      const found = names.find((one) => tensors.has(one));
      const leaf = found === undefined ? undefined : tensors.get(found);
      if (found === undefined || !leaf) {
        missing.push(names[0] ?? name);
        continue;
      }
      for (const one of names) used.add(one);
      if (String(leaf.shape) !== String(size))
        fail(`${found} is [${leaf.shape.join(', ')}] (expected [${size.join(', ')}]).`);
      if (first && first.dtype !== leaf.dtype)
        fail(`${found} is ${leaf.dtype} where ${torch[0]} is ${first.dtype}. Store all layers alike.`);
      first ??= leaf;
      for (const { source } of leaf.chunks) chunks.push({ at, source });
    }
    if (first)
      leaves.set(name, {
        ...first,
        name,
        shape,
        chunkShape: pieces[0]?.chunk ?? shape,
        chunks,
        ...(order && { order }),
      });
  }
  if (missing.length > 0)
    fail(
      `${missing.length} of its tensors are missing, first ${missing[0]}. Take the whole checkpoint ` +
        '(model.safetensors, or all of its parts).',
    );
  for (const [name, leaf] of tensors)
    if (!used.has(name) && !NEEDLESS.test(name))
      leaves.set(name.replaceAll('.', '/'), { ...leaf, name: name.replaceAll('.', '/') });
  return { ...tree, leaves: new Map([...leaves].sort(([a], [b]) => (a < b ? -1 : 1))), origin };
}

/** The sizes that the tensors' shapes tell; heads as PaliGemma's, where `known` does not say others. */
function sizesOf(
  tensors: ReadonlyMap<string, StoredLeaf>,
  known: Partial<ModelConfigInput>,
  fail: (problem: string) => never,
): Pi05Sizes {
  const shape = (name: string, rank: number): number[] => {
    const found = tensors.get(name)?.shape;
    if (!found) return fail(`${name} is missing. Take the whole checkpoint.`);
    return found.length === rank ? [...found] : fail(`${name} is [${found.join(', ')}] (expected ${rank} axes).`);
  };
  const layersOf = (prefix: string) => {
    let count = 0;
    while ([...tensors.keys()].some((name) => name.startsWith(`${prefix}.layers.${count}.`))) count++;
    return count;
  };
  const [vision, language, expert] = [
    'paligemma_with_expert.paligemma.model.vision_tower.vision_model',
    'paligemma_with_expert.paligemma.model.language_model',
    'paligemma_with_expert.gemma_expert.model',
  ];
  const [visionWidth = 0, , patchSize = 0] = shape(`${vision}.embeddings.patch_embedding.weight`, 4);
  const [tokens = 0] = shape(`${vision}.embeddings.position_embedding.weight`, 2);
  const [mlp = 0] = shape(`${vision}.encoder.layers.0.mlp.fc1.weight`, 2);
  const [vlmMlp = 0, vlmWidth = 0] = shape(`${language}.layers.0.mlp.gate_proj.weight`, 2);
  const [expertMlp = 0, expertWidth = 0] = shape(`${expert}.layers.0.mlp.gate_proj.weight`, 2);
  const [keys = 0] = shape(`${language}.layers.0.self_attn.k_proj.weight`, 2);
  const [queries = 0] = shape(`${language}.layers.0.self_attn.q_proj.weight`, 2);
  const embedding = ['paligemma_with_expert.paligemma.lm_head.weight', `${language}.embed_tokens.weight`];
  const [vocabulary = 0] = shape(embedding.find((name) => tensors.has(name)) ?? embedding[0] ?? '', 2);
  const [, actions = 0] = shape('action_in_proj.weight', 2);
  const kvHeads = known.numKvHeads ?? 1;
  const headDim = known.headDim ?? keys / kvHeads;
  const heads = known.numHeads ?? queries / headDim;
  const visionHeads = known.visionHeads ?? (visionWidth === SIGLIP.width ? SIGLIP.heads : undefined);
  if (visionHeads === undefined || !Number.isInteger(heads) || visionWidth % visionHeads !== 0)
    return fail(
      `how many heads it has cannot be told (width of vision ${visionWidth}, queries ${queries}, keys ${keys}). Give ` +
        'them: --config FILE with visionHeads, numHeads, numKvHeads and headDim.',
    );
  return {
    vision: { width: visionWidth, patchSize, tokens, mlp, heads: visionHeads, layers: layersOf(`${vision}.encoder`) },
    vlm: { width: vlmWidth, mlp: vlmMlp },
    expert: { width: expertWidth, mlp: expertMlp },
    layers: layersOf(language),
    heads,
    kvHeads,
    headDim,
    vocabulary,
    actions,
  };
}

/**
 * The file of LeRobot's normaliser beside a policy's weights; null when there is none. Its numbers are one for each
 * dimension, of the robot that it was trained for, where this network's are for each step of a chunk.
 */
export function normaliserBeside(folder: string | undefined): string | null {
  if (folder === undefined || !existsSync(folder)) return null;
  const name = readdirSync(folder).find((one) => /^policy_preprocessor.*normalizer.*\.safetensors$/.test(one));
  return name === undefined ? null : join(folder, name);
}
