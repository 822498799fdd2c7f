import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError, present, systemError } from '../../base/index.ts';
import { checkpointFolder } from '../checkpointFolder.ts';
import { INT8_FILE } from '../int8/index.ts';
import { requireBytes } from './byteSource.ts';
import { isOrbaxItem, openOrbax } from './orbax.ts';
import { otherFormat, refuseOtherFormat } from './otherFormats.ts';
import { openSafetensors, openSharded } from './safetensors.ts';
import type { StoredLeaf } from './storedLeaf.ts';

/** A checkpoint's arrays, opened: names, shapes, types and where the bytes are. */
export interface StoredTree {
  /** The file or folder that holds the arrays. */
  readonly path: string;
  readonly container: 'orbax, OCDBT' | 'orbax, one folder per array' | 'safetensors' | 'Valet' | 'Valet, int8';
  /** By the original's names, without the `params` before and the `value` behind them; sorted by name. */
  readonly leaves: ReadonlyMap<string, StoredLeaf>;
  /** The folder with `assets`, or of a Valet checkpoint; undefined when there is none. */
  readonly folder: string | undefined;
  /** The form that its names were in before they became the original's (`asOriginalTree`). */
  readonly origin?: 'lerobot-pi05' | 'openpi-pytorch';
}

/** Items of a step folder that hold weights, the likelier first. */
const ITEMS = ['params', 'default', 'state', 'pytree', 'model'];
/** What orbax has not finished writing. */
const UNFINISHED = /\.orbax-checkpoint-tmp/;
/** Files inside an orbax item. */
const PARTS = new Set(['manifest.ocdbt', '_METADATA', '_CHECKPOINT_METADATA', '.zarray', 'zarr.json', 'checkpoint']);
/** A step's folder: `1000`, or with the prefix that orbax's managers can be given. */
const STEP = /^(?:[A-Za-z]+[_-])?(\d+)$/;

/**
 * Opens a checkpoint of any known form: a step folder with `params`, the `params` folder itself, a folder of steps (the
 * newest is taken), safetensors (one file, or an index of several), a Valet checkpoint, and what `checkpointFolder`
 * takes: a training folder, the name of a policy that comes with the package.
 * @throws InputError that names the file or folder and what is wrong with it
 */
export async function openTree(nameOrPath: string): Promise<StoredTree> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(nameOrPath))
    throw new InputError(nameOrPath, 'is an address (expected a folder or a file). Download it first.');
  const path = checkpointFolder(nameOrPath);
  const info = statSync(path, { throwIfNoEntry: false });
  if (!info) throw new InputError(path || "''", 'is not there. Check the path.');
  try {
    const found = await (info.isDirectory() ? openFolder(path) : openFile(path));
    if (found.leaves.size === 0) throw new InputError(found.path, 'holds no arrays.');
    requireFiles(found);
    return found;
  } catch (error) {
    throw systemError(error, { where: path }) ?? error;
  }
}

async function openFile(path: string): Promise<StoredTree> {
  if (PARTS.has(basename(path)))
    throw new InputError(path, `is one file of a checkpoint (expected the whole). Give its folder: ${dirname(path)}.`);
  refuseOtherFormat(path);
  const leaves = await (path.endsWith('.json') ? openSharded(path) : openSafetensors(path));
  return tree(path, 'safetensors', undefined, named(leaves));
}

async function openFolder(path: string): Promise<StoredTree> {
  const names = readdirSync(path);
  if (names.includes('config.json') && names.includes('params.safetensors')) {
    const file = join(path, 'params.safetensors');
    const leaves = named(await openSafetensors(file));
    if (!names.includes(INT8_FILE)) return tree(file, 'Valet', path, leaves);
    return tree(file, 'Valet, int8', path, [...leaves, ...named(await openSafetensors(join(path, INT8_FILE)))]);
  }
  if (isOrbaxItem(path)) {
    const { container, leaves } = await openOrbax(path);
    const parent = dirname(path);
    return tree(path, container, existsSync(join(parent, 'assets')) ? parent : undefined, leaves);
  }
  const items = names.filter(
    (name) => !UNFINISHED.test(name) && isFolder(join(path, name)) && isOrbaxItem(join(path, name)),
  );
  if (names.includes('params') && !items.includes('params'))
    throw new InputError(
      join(path, 'params'),
      'holds no arrays (expected manifest.ocdbt or folders with .zarray). Was it copied to its end?',
    );
  const item = ITEMS.find((name) => items.includes(name)) ?? (items.length === 1 ? items[0] : undefined);
  if (item !== undefined) {
    const { container, leaves } = await openOrbax(join(path, item));
    return tree(join(path, item), container, path, leaves);
  }
  if (items.length > 1)
    throw new InputError(path, `holds several trees of arrays (${some(items)}). Give the path of one of them.`);
  const step = (name: string): number => Number(present(STEP.exec(name), 'STEP.exec(name)')[1]);
  const steps = names.filter((name) => STEP.test(name) && isFolder(join(path, name)));
  const [newest] = steps.sort((a, b) => step(b) - step(a));
  if (newest !== undefined) return openFolder(join(path, newest));
  const found = names.filter((name) => name.endsWith('.safetensors') || name.endsWith('.safetensors.index.json'));
  // What LeRobot leaves beside a policy's weights: the numbers of its normaliser.
  const weights = found.filter((name) => !/^policy_(pre|post)processor/.test(name));
  const safetensors = weights.includes('model.safetensors') ? ['model.safetensors'] : weights;
  const index = safetensors.find((name) => name.endsWith('.json'));
  if (index ?? safetensors.length === 1) {
    const file = join(path, index ?? present(safetensors[0], 'safetensors[0]'));
    return { ...(await openFile(file)), folder: path };
  }
  if (safetensors.length > 1)
    throw new InputError(
      path,
      `holds several safetensors files and no index of them (${some(safetensors)}). Give the path of one.`,
    );
  const other = names.find((name) => otherFormat(join(path, name)) !== undefined);
  if (other !== undefined) refuseOtherFormat(join(path, other));
  throw new InputError(
    path,
    'is no checkpoint that is known: neither orbax (params/ with manifest.ocdbt or folders with ' +
      `.zarray), safetensors nor Valet (it holds ${some(names) || 'nothing'}).`,
  );
}

const some = (names: readonly string[]): string => `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`;
const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/**
 * Every file that the arrays lie in is there and long enough: said when a checkpoint is opened, not when half of it has
 * been copied.
 */
function requireFiles({ leaves }: StoredTree): void {
  const ends = new Map<string, number>();
  for (const { chunks } of leaves.values())
    for (const { source } of chunks)
      if ('file' in source) ends.set(source.file, Math.max(ends.get(source.file) ?? 0, source.offset + source.length));
  for (const [file, length] of ends) requireBytes(file, length);
}

/** What is optimised beside the weights in a training state (openpi's train_state, optax in general). */
const TRAINING = /^(opt_state|step|ema_decay|tx|rng)(\/|$)/;

/**
 * The weights alone of a training state: its EMA where it holds one, else its `params`. Any other tree is returned as
 * it is. `weights` names the subtree that was taken.
 */
export function weightsOf(tree: StoredTree): StoredTree & { readonly weights?: string } {
  const names = [...tree.leaves.keys()];
  if (!names.some((name) => TRAINING.test(name))) return tree;
  const weights = ['ema_params', 'params'].find((top) => names.some((name) => name.startsWith(`${top}/`)));
  if (weights === undefined) return tree;
  const own = [...tree.leaves.values()].filter(({ name }) => name.startsWith(`${weights}/`));
  const isValued = own.every(({ name }) => name.endsWith('/value'));
  const leaves = new Map<string, StoredLeaf>();
  for (const leaf of own) {
    const name = leaf.name.slice(weights.length + 1, isValued ? -'/value'.length : undefined);
    leaves.set(name, { ...leaf, name });
  }
  return { ...tree, leaves, weights };
}

/** Whether it is Valet's own checkpoint folder. */
export function isValet({ container }: Pick<StoredTree, 'container'>): boolean {
  return container === 'Valet' || container === 'Valet, int8';
}

/** @throws InputError for an int8 checkpoint, whose matrices are rounded: nothing else can be made of it */
export function refuseInt8({ container, folder }: StoredTree, verb: string): void {
  if (container === 'Valet, int8')
    throw new InputError(
      present(folder, 'folder'),
      `is an int8 checkpoint, whose matrices are rounded, and cannot be ${verb}. Take the checkpoint that ` +
        'it was made from.',
    );
}

/** Safetensors names as paths; names that were written with dots instead of slashes count, too. */
function named(leaves: readonly StoredLeaf[]): { path: string[]; leaf: StoredLeaf }[] {
  const slashes = leaves.some(({ name }) => name.includes('/'));
  return leaves.map((leaf) => ({ path: leaf.name.split(slashes ? '/' : '.'), leaf }));
}

function tree(
  path: string,
  container: StoredTree['container'],
  folder: string | undefined,
  found: readonly { readonly path: readonly string[]; readonly leaf: StoredLeaf }[],
): StoredTree {
  const params =
    found.length > 0 && found.every(({ path: [first, second] }) => first === 'params' && second !== undefined);
  const value = found.length > 0 && found.every(({ path: keys }) => keys.length > 1 && keys.at(-1) === 'value');
  const leaves = new Map<string, StoredLeaf>();
  for (const { path: keys, leaf } of found) {
    const name = keys.slice(params ? 1 : 0, value ? -1 : undefined).join('/');
    if (leaves.has(name)) throw new InputError(path, `holds ${name} twice.`);
    leaves.set(name, { ...leaf, name });
  }
  const sorted = new Map([...leaves].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { path, container, leaves: sorted, folder };
}
