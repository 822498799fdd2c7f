import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../../base/index.ts';
import { isOrbaxItem, openOrbax } from './orbax.ts';
import { openSafetensors, openSharded } from './safetensors.ts';
import type { StoredLeaf } from './storedLeaf.ts';

/** A checkpoint's arrays, opened: names, shapes, types and where the bytes are. */
export interface StoredTree {
  /** The file or folder that holds the arrays. */
  readonly path: string;
  readonly container: 'orbax, OCDBT' | 'orbax, one folder per array' | 'safetensors' | 'Valet';
  /** By the original's names, without the `params` before and the `value` behind them; sorted by name. */
  readonly leaves: ReadonlyMap<string, StoredLeaf>;
  /** The folder with `assets`, or of a Valet checkpoint; undefined when there is none. */
  readonly folder: string | undefined;
}

const ITEMS = ['params', 'default', 'state'];

/**
 * Opens a checkpoint of any known form: a step folder with `params`, the `params` folder itself, a folder of steps (the newest is taken),
 * safetensors (one file, or an index of several), a Valet checkpoint.
 * @throws InputError that names the file or folder and what is wrong with it
 */
export async function openTree(path: string): Promise<StoredTree> {
  const info = statSync(path, { throwIfNoEntry: false });
  if (!info) throw new InputError(path, 'is not there. Check the path.');
  try {
    return await (info.isDirectory() ? openFolder(path) : openFile(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code && !(error instanceof InputError))
      throw new InputError(path, `cannot be read (${(error as Error).message}).`);
    throw error;
  }
}

async function openFile(path: string): Promise<StoredTree> {
  const leaves = await (path.endsWith('.json') ? openSharded(path) : openSafetensors(path));
  return tree(path, 'safetensors', undefined, named(leaves));
}

async function openFolder(path: string): Promise<StoredTree> {
  const names = readdirSync(path);
  if (names.includes('config.json') && names.includes('params.safetensors')) {
    const file = join(path, 'params.safetensors');
    return tree(file, 'Valet', path, named(await openSafetensors(file)));
  }
  if (isOrbaxItem(path)) {
    const { container, leaves } = await openOrbax(path);
    const parent = dirname(path);
    return tree(path, container, existsSync(join(parent, 'assets')) ? parent : undefined, leaves);
  }
  const item = ITEMS.map((name) => join(path, name)).find((at) => existsSync(at) && statSync(at).isDirectory());
  if (item && isOrbaxItem(item)) {
    const { container, leaves } = await openOrbax(item);
    return tree(item, container, path, leaves);
  }
  const steps = names.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(b) - Number(a));
  if (steps[0] !== undefined) return openFolder(join(path, steps[0]));
  const safetensors = names.filter((name) => name.endsWith('.safetensors') || name.endsWith('.safetensors.index.json'));
  const index = safetensors.find((name) => name.endsWith('.json'));
  if (index ?? safetensors.length === 1) {
    const file = join(path, index ?? safetensors[0]!);
    return { ...(await openFile(file)), folder: path };
  }
  throw new InputError(
    path,
    `is no checkpoint that is known: neither orbax (params/ with manifest.ocdbt or folders with .zarray), safetensors nor Valet (it holds ${names.slice(0, 8).join(', ') || 'nothing'}${names.length > 8 ? ', …' : ''}).`,
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
