import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../../base/index.ts';
import { FormatError } from '../byteReader.ts';
import { type ByteSource, fileSource, readSource } from '../byteSource.ts';
import { type Location, readTreeManifest, readTreeNode, type TreeManifest } from './nodes.ts';

const MANIFEST = 'manifest.ocdbt';
const MAX_BLOCK = 2 ** 30;
const MAX_HEIGHT = 16;

export function isDatabase(folder: string): boolean {
  return existsSync(join(folder, MANIFEST)) || processFolders(folder).length > 0;
}

/**
 * Every key of an OCDBT database (tensorstore's "optionally-cooperative distributed B+tree"), newest version, and where
 * its value is. A database that several processes wrote and nobody merged (`ocdbt.process_*` alone) is read as the
 * union of its parts.
 * @throws InputError that names the file and what is wrong with it
 */
export function readDatabase(folder: string): Map<string, ByteSource> {
  if (existsSync(join(folder, MANIFEST))) return readOne(folder);
  const out = new Map<string, ByteSource>();
  for (const part of processFolders(folder)) for (const [key, value] of readOne(part)) out.set(key, value);
  return out;
}

function processFolders(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^ocdbt\.process_\d+$/.test(name) && existsSync(join(folder, name, MANIFEST)))
    .sort()
    .map((name) => join(folder, name));
}

function readOne(folder: string): Map<string, ByteSource> {
  const out = new Map<string, ByteSource>();
  const manifest = newestManifest(folder);
  if (manifest.kind === 'numbered' || !manifest.root) return out;
  const seen = new Set<string>();
  const visit = (at: Location, height: number, prefix: string, keys: number): void => {
    const file = join(folder, at.path);
    const id = `${at.path}:${at.offset}`;
    if (seen.has(id)) throw new InputError(file, `the node at byte ${at.offset} is referred to twice.`);
    seen.add(id);
    const block = readSource({ file, offset: at.offset, length: at.length }, MAX_BLOCK);
    const node = named(`${file}: the node at byte ${at.offset}`, () => readTreeNode(block, at.base, prefix));
    if (node.height !== height)
      throw new InputError(file, `the node at byte ${at.offset} has height ${node.height} (expected ${height}).`);
    const before = out.size;
    if ('leaves' in node)
      for (const { key, value } of node.leaves)
        out.set(
          key,
          value instanceof Uint8Array
            ? { where: `${file}: ${key}`, bytes: value }
            : { file: join(folder, value.path), offset: value.offset, length: value.length },
        );
    else for (const child of node.children) visit(child.location, height - 1, child.prefix, child.keys);
    if (out.size - before !== keys)
      throw new InputError(file, `there are ${out.size - before} keys below the node (expected ${keys}).`);
  };
  if (manifest.root.height > MAX_HEIGHT)
    throw new InputError(join(folder, MANIFEST), `the tree has height ${manifest.root.height}.`);
  visit(manifest.root, manifest.root.height, '', manifest.root.keys);
  return out;
}

function newestManifest(folder: string): TreeManifest {
  const read = (name: string): TreeManifest => {
    const file = join(folder, name);
    return named(file, () => readTreeManifest(readSource(fileSource(file), MAX_BLOCK)));
  };
  const manifest = read(MANIFEST);
  if (manifest.kind === 'single') return manifest;
  const newest = readdirSync(folder)
    .filter((name) => /^manifest\.[0-9a-f]{16}$/.test(name))
    .sort()
    .at(-1);
  if (!newest)
    throw new InputError(
      folder,
      `${MANIFEST} says that the versions are in manifest.<number> files, and there is none.`,
    );
  return read(newest);
}

/** Names the place of a FormatError. */
function named<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) throw new InputError(where, `${error.message}.`, { cause: error });
    throw error;
  }
}
