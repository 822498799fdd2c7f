import { crc32c, InputError } from '../../../base/index.ts';
import { type ByteSource, readSource, sourceLength, sourceName } from '../byteSource.ts';
import { type Chunk, elementsOf, gridOf, type StoredLeaf } from '../storedLeaf.ts';
import { readZarrMetadata, type ZarrArray } from './metadata.ts';

const MAX_CHUNKS = 2 ** 22;

/**
 * The array whose metadata is at `<prefix>.zarray` or `<prefix>zarr.json` of a key-value store.
 * @param options.sparse chunks that are not stored hold the fill value; else a missing chunk is an error
 * @throws InputError that names the file
 */
export function zarrLeaf(
  name: string,
  prefix: string,
  store: ReadonlyMap<string, ByteSource>,
  { sparse }: { sparse: boolean },
): StoredLeaf {
  const metadata = store.get(`${prefix}.zarray`) ?? store.get(`${prefix}zarr.json`)!;
  const array = readZarrMetadata(metadata);
  const { shape, chunkShape, dtype, order, bigEndian, codecs, fill } = array;
  const chunks: Chunk[] = [];
  const outer = array.shards?.shape ?? chunkShape;
  const grid = gridOf({ shape, chunkShape: outer });
  const count = elementsOf(grid);
  if (count > MAX_CHUNKS)
    throw new InputError(sourceName(metadata), `has ${count} chunks (expected at most ${MAX_CHUNKS}).`);
  for (const at of positions(grid)) {
    const source = store.get(prefix + array.key(at));
    if (!source) {
      if (sparse) continue;
      throw new InputError(
        sourceName(metadata),
        `chunk ${array.key(at)} of ${name} is missing. Is the checkpoint complete?`,
      );
    }
    if (array.shards) chunks.push(...chunksOfShard(source, at, array, name, sparse));
    else chunks.push({ at, source });
  }
  return {
    name,
    shape,
    dtype,
    chunkShape,
    ...(order && { order }),
    bigEndian,
    codecs,
    chunks,
    ...(sparse && { fill }),
  };
}

/** Every position of a grid, the last axis fastest. */
export function* positions(grid: readonly number[]): Generator<number[]> {
  if (grid.some((n) => n === 0)) return;
  const at = grid.map(() => 0);
  for (;;) {
    yield [...at];
    let axis = grid.length - 1;
    while (axis >= 0 && ++at[axis]! === grid[axis]) at[axis--] = 0;
    if (axis < 0) return;
  }
}

/** The chunks of one shard: its index holds offset and length (u64) of each, 2^64-1 for one that is left out. */
function chunksOfShard(
  source: ByteSource,
  at: readonly number[],
  { shape, chunkShape, shards }: ZarrArray,
  name: string,
  sparse: boolean,
): Chunk[] {
  const where = sourceName(source);
  const inner = shards!.shape.map((n, axis) => n / chunkShape[axis]!);
  const bytes = 16 * elementsOf(inner) + (shards!.checked ? 4 : 0);
  const total = sourceLength(source);
  if (bytes > total) throw new InputError(where, `the shard has ${total} bytes, its index alone takes ${bytes}.`);
  const part = (offset: number, length: number): ByteSource => {
    if (offset + length > total)
      throw new InputError(where, `a chunk of the shard lies at bytes ${offset} to ${offset + length} of ${total}.`);
    return 'file' in source
      ? { file: source.file, offset: source.offset + offset, length }
      : { where, bytes: source.bytes.subarray(offset, offset + length) };
  };
  const index = readSource(part(shards!.index === 'end' ? total - bytes : 0, bytes), bytes);
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  if (shards!.checked && crc32c(index.subarray(0, -4)) !== view.getUint32(bytes - 4, true))
    throw new InputError(where, "the shard's index is damaged: its checksum is wrong.");
  const out: Chunk[] = [];
  let i = -1;
  for (const within of positions(inner)) {
    i++;
    const position = within.map((n, axis) => at[axis]! * inner[axis]! + n);
    if (position.some((n, axis) => n * chunkShape[axis]! >= shape[axis]!)) continue;
    const [offset, length] = [view.getBigUint64(16 * i, true), view.getBigUint64(16 * i + 8, true)];
    if (offset === 2n ** 64n - 1n) {
      if (sparse) continue;
      throw new InputError(where, `a chunk of ${name} is missing in the shard.`);
    }
    out.push({ at: position, source: part(Number(offset), Number(length)) });
  }
  return out;
}
