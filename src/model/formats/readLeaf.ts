import { InputError } from '../../base/index.ts';
import { PIECE_BYTES, ZstdDecoder } from '../../kernels/index.ts';
import type { DataType, NdArray, TypedArray } from '../../tensor/index.ts';
import { FormatError } from './byteReader.ts';
import { readSource, sourceName, withSource } from './byteSource.ts';
import { bytesOf, type Chunk, chunkBytes, elementsOf, gridOf, type StoredLeaf } from './storedLeaf.ts';
import { converter, STORED_BYTES, type StoredType, swapBytes } from './storedType.ts';
import { MAX_IN_MEMORY, unpack } from './unpack.ts';
import { positions } from './zarr/leaf.ts';

/**
 * Takes bytes that belong at `offset` of the array (stored type, row-major, little-endian); they are valid until it
 * returns.
 */
export type Sink = (offset: number, bytes: Uint8Array) => void;

let shared: ZstdDecoder | undefined;

/**
 * Reads one chunk and hands its elements to `sink` in runs, in the order in which they lie in the chunk. A chunk
 * without packing or with zstd alone streams in little memory, whatever its size.
 * @throws InputError that names the file when it is missing, cut off or damaged
 */
async function readChunk(leaf: StoredLeaf, chunk: Chunk, sink: Sink): Promise<void> {
  const where =
    `${sourceName(chunk.source)}: ` + `${leaf.name}${leaf.chunks.length > 1 ? `, chunk ${chunk.at.join('.')}` : ''}`;
  try {
    const scatter = new Scatter(leaf, chunk.at, sink);
    const decoder = (shared ??= new ZstdDecoder());
    const [only, ...others] = leaf.codecs;
    if (!leaf.order && others.length === 0 && (!only || only.id === 'zstd')) {
      withSource(chunk.source, (fill) => {
        if (only) return decoder.decode(fill, (piece) => scatter.push(piece));
        const piece = new Uint8Array(PIECE_BYTES);
        for (let filled = 0, n = 1; n > 0; ) {
          n = fill(piece.subarray(filled));
          filled += n;
          if (filled === piece.length || n === 0) {
            scatter.push(piece.subarray(0, filled));
            filled = 0;
          }
        }
      });
    } else {
      const packed = readSource(chunk.source, MAX_IN_MEMORY);
      const bytes = await unpack(packed, leaf.codecs, chunkBytes(leaf), decoder);
      scatter.push(leaf.order ? inArrayOrder(leaf, bytes) : bytes.slice());
    }
    scatter.end();
  } catch (error) {
    if (error instanceof FormatError) throw new InputError(where, `${error.message}.`, { cause: error });
    throw error;
  }
}

/** Hands every element of the array to `sink`, chunk by chunk. @throws InputError */
export async function streamLeaf(leaf: StoredLeaf, sink: Sink): Promise<void> {
  if (leaf.fill) await fillMissing(leaf, sink);
  for (const chunk of leaf.chunks) await readChunk(leaf, chunk, sink);
}

async function fillMissing(leaf: StoredLeaf, sink: Sink): Promise<void> {
  const stored = new Set(leaf.chunks.map(({ at }) => at.join()));
  const size = leaf.fill!.length;
  const piece = new Uint8Array(PIECE_BYTES);
  for (let i = 0; i < piece.length; i++) piece[i] = leaf.fill![i % size]!;
  for (const at of positions(gridOf(leaf))) {
    if (stored.has(at.join())) continue;
    const scatter = new Scatter({ ...leaf, bigEndian: false }, at, sink);
    for (let left = chunkBytes(leaf); left > 0; left -= piece.length) scatter.push(piece.subarray(0, left));
    scatter.end();
  }
}

/** Puts a chunk's bytes, as they come, where they belong in the array. */
class Scatter {
  private readonly size: number;
  /** Bytes that lie together in both chunk and array, and how many of them are inside the array. */
  private readonly run: number;
  private readonly inside: number;
  /** The axis along which a run goes, and where in the grid of runs the next one is. */
  private readonly axis: number;
  private readonly at: number[];
  private readonly strides: number[];
  private readonly total: number;
  private done = 0;
  private inRun = 0;
  private target = 0;

  constructor(
    private readonly leaf: StoredLeaf,
    private readonly grid: readonly number[],
    private readonly sink: Sink,
  ) {
    const { shape, chunkShape, dtype } = leaf;
    this.size = STORED_BYTES[dtype];
    this.strides = shape.map((_, axis) => elementsOf(shape.slice(axis + 1)) * this.size);
    let axis = shape.length - 1;
    while (axis > 0 && chunkShape[axis] === shape[axis]) axis--;
    this.axis = Math.max(axis, 0);
    const start = (grid[this.axis] ?? 0) * (chunkShape[this.axis] ?? 1);
    const stride = this.strides[this.axis] ?? this.size;
    this.run = (chunkShape[this.axis] ?? 1) * stride;
    this.inside = Math.min(chunkShape[this.axis] ?? 1, (shape[this.axis] ?? 1) - start) * stride;
    this.at = new Array(this.axis).fill(0);
    this.total = chunkBytes(leaf);
    this.target = this.targetOfRun();
  }

  /** Takes the chunk's next bytes: whole elements, and it may change them. */
  push(bytes: Uint8Array): void {
    if (this.done + bytes.length > this.total)
      throw new FormatError(`holds more bytes than its shape needs (${this.total})`);
    if (this.leaf.bigEndian) swapBytes(bytes, this.size);
    let used = 0;
    while (used < bytes.length) {
      const count = Math.min(bytes.length - used, this.run - this.inRun);
      const wanted = Math.min(count, this.inside - this.inRun);
      if (this.target >= 0 && wanted > 0) this.sink(this.target + this.inRun, bytes.subarray(used, used + wanted));
      used += count;
      this.inRun += count;
      if (this.inRun === this.run) this.next();
    }
    this.done += bytes.length;
  }

  end(): void {
    if (this.done !== this.total)
      throw new FormatError(`holds ${this.done} bytes when unpacked (expected ${this.total})`);
  }

  private next(): void {
    this.inRun = 0;
    for (let axis = this.axis - 1; axis >= 0; axis--) {
      if (++this.at[axis]! < this.leaf.chunkShape[axis]!) break;
      this.at[axis] = 0;
    }
    this.target = this.targetOfRun();
  }

  /** Where the run begins in the array; -1 when it lies beyond its edge. */
  private targetOfRun(): number {
    const { shape, chunkShape } = this.leaf;
    let offset = 0;
    for (let axis = 0; axis < shape.length && axis <= this.axis; axis++) {
      const i = this.grid[axis]! * chunkShape[axis]! + (this.at[axis] ?? 0);
      if (i >= shape[axis]!) return -1;
      offset += i * this.strides[axis]!;
    }
    return offset;
  }
}

/** A chunk whose elements lie in another order of the axes, in the array's. */
function inArrayOrder({ chunkShape, order, dtype }: StoredLeaf, bytes: Uint8Array): Uint8Array {
  const size = STORED_BYTES[dtype];
  const stride = new Array<number>(chunkShape.length).fill(0); // in the stored chunk, by axis of the array
  let n = size;
  for (const axis of [...order!].reverse()) {
    stride[axis] = n;
    n *= chunkShape[axis]!;
  }
  const out = new Uint8Array(bytes.length);
  // Numbers move whole, where they lie as their size wants it; the last axis in a loop of its own.
  const wide = bytes.byteOffset % size === 0 && (size === 2 || size === 4 || size === 8);
  const View = wide ? { 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[size as 2 | 4 | 8] : Uint8Array;
  const [source, target] = [bytes, out].map(
    (b) => new View(b.buffer as ArrayBuffer, b.byteOffset, b.length / View.BYTES_PER_ELEMENT),
  );
  const unit = wide ? 1 : size;
  const [inner = 1, innerStride = size] = [chunkShape.at(-1), stride.at(-1)];
  const step = (innerStride / size) * unit;
  let to = 0;
  for (const at of positions(chunkShape.slice(0, -1))) {
    let from = (at.reduce((sum, i, axis) => sum + i * stride[axis]!, 0) / size) * unit;
    for (let i = 0; i < inner; i++, from += step) for (let k = 0; k < unit; k++) target![to++] = source![from + k]!;
  }
  return out;
}

/**
 * An array in memory: bfloat16 and float16 widened to float32, small integers to int32, those
 * without sign of 32 and 64 bits to int64. @throws InputError for one from 2^63 on
 */
export async function readLeaf(leaf: StoredLeaf): Promise<NdArray> {
  const [dtype, widened] = IN_MEMORY[leaf.dtype];
  const size = STORED_BYTES[leaf.dtype];
  const wide = STORED_BYTES[widened];
  const buffer = new ArrayBuffer((bytesOf(leaf) / size) * wide);
  const convert = converter(leaf.dtype, widened);
  await streamLeaf(leaf, (offset, bytes) => {
    const result = convert(bytes);
    new Uint8Array(buffer, (offset / size) * wide, result.length).set(result);
  });
  const data = VIEWS[dtype](buffer);
  requireNoWrap(leaf, data);
  return { shape: [...leaf.shape], dtype, data };
}

/** Numbers without sign that int64 cannot hold would come out negative. @throws InputError */
function requireNoWrap({ name, dtype, chunks }: StoredLeaf, data: TypedArray): void {
  if (dtype !== 'uint64' || !(data instanceof BigInt64Array)) return;
  const at = data.findIndex((value) => value < 0n);
  if (at < 0) return;
  throw new InputError(
    `${chunks[0] ? `${sourceName(chunks[0].source)}: ` : ''}${name}`,
    `value ${at} is ${BigInt.asUintN(64, data[at] as bigint)} (expected at most ${2n ** 63n - 1n}). ` +
      'Store it as a smaller number or as a float.',
  );
}

const IN_MEMORY: Record<StoredType, readonly [DataType, StoredType]> = {
  float64: ['float64', 'float64'],
  float32: ['float32', 'float32'],
  float16: ['float32', 'float32'],
  bfloat16: ['float32', 'float32'],
  int64: ['int64', 'int64'],
  uint64: ['int64', 'uint64'],
  int32: ['int32', 'int32'],
  uint32: ['int64', 'int64'],
  int16: ['int32', 'int32'],
  uint16: ['int32', 'int32'],
  int8: ['int8', 'int8'],
  uint8: ['uint8', 'uint8'],
  bool: ['bool', 'bool'],
};
const VIEWS: Record<DataType, (buffer: ArrayBuffer) => TypedArray> = {
  float64: (b) => new Float64Array(b),
  float32: (b) => new Float32Array(b),
  int64: (b) => new BigInt64Array(b),
  int32: (b) => new Int32Array(b),
  int8: (b) => new Int8Array(b),
  uint8: (b) => new Uint8Array(b),
  bool: (b) => new Uint8Array(b),
};
