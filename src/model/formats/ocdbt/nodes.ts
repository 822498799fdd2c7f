import { type ByteReader, FormatError } from '../byteReader.ts';
import { MAGIC, unwrap } from './envelope.ts';

/** Where a block or a value lies: a range of a data file, whose path counts from the folder of the database. */
export interface Location {
  readonly path: string;
  /** The folder part of the path that names inside the block count from. */
  readonly base: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * The newest version's tree; null when it is empty. `numbered`: the versions are in `manifest.<number>` files beside.
 */
export type TreeManifest =
  | { readonly kind: 'single'; readonly root: (Location & { readonly height: number; readonly keys: number }) | null }
  | { readonly kind: 'numbered' };

export interface TreeEntry {
  readonly key: string;
  readonly value: Location | Uint8Array;
}

export interface Child {
  /** The first key at or below it may be this, none is smaller. */
  readonly key: string;
  /** Keys below begin with so many characters of `key`, which they leave out. */
  readonly prefix: string;
  readonly location: Location;
  readonly keys: number;
}

export type TreeNode =
  | { readonly height: 0; readonly leaves: readonly TreeEntry[] }
  | { readonly height: number; readonly children: readonly Child[] };

const MAX_ENTRIES = 2 ** 20;
const MAX_PATH = 2 ** 16;
/** The offset and length of a version without a tree. */
const MISSING = -1;

/** Reads a manifest. @throws FormatError */
export function readTreeManifest(block: Uint8Array): TreeManifest {
  const r = unwrap(block, MAGIC.manifest);
  r.take(16); // the database's id
  const kind = r.varint();
  if (kind > 1) throw new FormatError(`is a manifest of the kind ${kind}, which is not known`);
  r.varint(); // largest inline value
  r.varint(); // largest node
  const arity = 2 ** r.byte();
  const compression = r.varint();
  if (compression > 1) throw new FormatError(`names the compression ${compression}, which is not known`);
  if (compression === 1) r.take(4); // level
  if (kind === 1) {
    r.end();
    return { kind: 'numbered' };
  }
  const files = readFileTable(r);
  const count = r.varint();
  if (count === 0 || count > arity) throw new FormatError(`holds ${count} versions (expected 1 to ${arity})`);
  const generations = r.varints(count);
  const heights = [...r.take(count)];
  const roots = readLocations(r, files, count);
  const keys = r.varints(count);
  r.varints(2 * count); // sizes of the tree and of its values
  r.take(8 * count); // times
  const older = r.varint(); // nodes with older versions: checked, not followed
  if (older > 64) throw new FormatError(`refers to ${older} nodes of older versions`);
  r.varints(older);
  readLocations(r, files, older);
  r.varints(older);
  r.take(8 * older);
  r.take(older);
  r.end();
  if (generations.some((n, i) => n === 0 || (i > 0 && n <= generations[i - 1]!)))
    throw new FormatError('lists its versions out of order');
  const root = roots[count - 1]!;
  return {
    kind: 'single',
    root: root.length === MISSING ? null : { ...root, height: heights[count - 1]!, keys: keys[count - 1]! },
  };
}

/** Reads a node of the tree; keys leave out `prefix`, which its parent knows. @throws FormatError */
export function readTreeNode(block: Uint8Array, basePath: string, prefix: string): TreeNode {
  const r = unwrap(block, MAGIC.node);
  const height = r.byte();
  const files = readFileTable(r, basePath);
  const count = r.varint();
  if (count === 0 || count > MAX_ENTRIES) throw new FormatError(`holds ${count} entries`);
  const common = [0, ...r.varints(count - 1)];
  const own = r.varints(count);
  const subtree = height > 0 ? r.varints(count) : [];
  const keys: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const before = keys[i - 1] ?? Buffer.alloc(0);
    if (common[i]! > before.length) throw new FormatError('has a key that begins beyond the one before it');
    if (common[i]! + own[i]! > MAX_PATH) throw new FormatError('has a key that is too long');
    const key = Buffer.concat([before.subarray(0, common[i]!), r.take(own[i]!)]);
    if (i > 0 && Buffer.compare(before, key) >= 0) throw new FormatError('has keys out of order');
    keys.push(key);
  }
  if (height === 0) {
    const leaves = readValues(r, files, count).map((value, i) => ({ key: prefix + keys[i]!.toString('utf8'), value }));
    r.end();
    return { height, leaves };
  }
  const locations = readLocations(r, files, count);
  const statistics = r.varints(3 * count);
  r.end();
  return {
    height,
    children: locations.map((location, i) => {
      if (subtree[i]! > keys[i]!.length) throw new FormatError('cuts more off the keys below than there is');
      if (location.length === MISSING) throw new FormatError('refers to a node that is missing');
      return {
        key: prefix + keys[i]!.toString('utf8'),
        prefix: prefix + keys[i]!.subarray(0, subtree[i]!).toString('utf8'),
        location,
        keys: statistics[i]!,
      };
    }),
  };
}

function readValues(r: ByteReader, files: readonly DataFile[], count: number): (Location | Uint8Array)[] {
  const lengths = r.varints(count);
  const kinds = [...r.take(count)];
  if (kinds.some((kind) => kind > 1)) throw new FormatError('holds a value of an unknown kind');
  const far = kinds.flatMap((kind, i) => (kind === 1 ? [i] : []));
  const ids = r.varints(far.length);
  const offsets = r.varints(far.length);
  const values: (Location | Uint8Array)[] = new Array(count);
  far.forEach((i, k) => {
    values[i] = location(files, ids[k]!, offsets[k]!, lengths[i]!);
  });
  kinds.forEach((kind, i) => {
    if (kind === 0) values[i] = r.take(lengths[i]!).slice();
  });
  return values;
}

interface DataFile {
  readonly base: string;
  readonly path: string;
}

/** The data files that a block refers to: prefix-coded paths, each with the length of its folder part. */
function readFileTable(r: ByteReader, basePath = ''): DataFile[] {
  const count = r.varint();
  if (count === 0) return [];
  if (count > MAX_ENTRIES) throw new FormatError(`refers to ${count} files`);
  const common = [0, ...r.varints(count - 1)];
  const own = r.varints(count);
  const bases = r.varints(count);
  const files: DataFile[] = [];
  let before = Buffer.alloc(0);
  for (let i = 0; i < count; i++) {
    if (common[i]! > before.length) throw new FormatError('has a file name that begins beyond the one before it');
    const path = Buffer.concat([before.subarray(0, common[i]!), r.take(own[i]!)]);
    if (path.length > MAX_PATH || bases[i]! > path.length) throw new FormatError('has a file name of wrong length');
    const base = basePath + path.subarray(0, bases[i]!).toString('utf8');
    const name = path.subarray(bases[i]!).toString('utf8');
    if (`/${base}${name}/`.includes('/../') || /^\/|\0/.test(base + name))
      throw new FormatError(`refers to a file outside of its folder (${base}${name})`);
    files.push({ base, path: name });
    before = path;
  }
  return files;
}

function readLocations(r: ByteReader, files: readonly DataFile[], count: number): Location[] {
  const ids = r.varints(count);
  const offsets = readSizes(r, count);
  const lengths = readSizes(r, count);
  return ids.map((id, i) => location(files, id, offsets[i]!, lengths[i]!));
}

/** Varints in which 2^64-1 means that there is none. */
function readSizes(r: ByteReader, count: number): number[] {
  return Array.from({ length: count }, () => r.varintOr(MISSING));
}

function location(files: readonly DataFile[], id: number, offset: number, length: number): Location {
  const file = files[id];
  if (!file) throw new FormatError(`refers to file ${id} of ${files.length}`);
  if (!Number.isSafeInteger(offset + length)) throw new FormatError('refers to a range beyond any file');
  return { path: file.base + file.path, base: file.base, offset, length };
}
