import { present } from '../../base/index.ts';
import type { ByteSource } from './byteSource.ts';
import { STORED_BYTES, type StoredType } from './storedType.ts';

/** One step of how a chunk's bytes were packed; unpacked from the last to the first. */
export type Codec =
  | { readonly id: 'zstd' }
  | { readonly id: 'gzip' | 'zlib' | 'lz4' | 'blosc' }
  /** CRC-32C of the bytes before it, in the last four. */
  | { readonly id: 'crc32c' };

export interface Chunk {
  /** Position in the grid of chunks, one number per axis. */
  readonly at: readonly number[];
  readonly source: ByteSource;
}

/**
 * An array in a checkpoint: what it is, and where and how its chunks are stored. Plain data that a worker can be sent.
 */
export interface StoredLeaf {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StoredType;
  /** Shape of every chunk; those at the far edges are stored whole, too. */
  readonly chunkShape: readonly number[];
  /**
   * Order of the axes in which a chunk's elements lie (axis of the array, slowest first); left out when it is the
   * array's own.
   */
  readonly order?: readonly number[];
  readonly bigEndian: boolean;
  readonly codecs: readonly Codec[];
  readonly chunks: readonly Chunk[];
  /** Where a chunk may be left out: one element's bytes to fill it with. */
  readonly fill?: Uint8Array;
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Bytes of the array in its stored type. */
export function bytesOf({ shape, dtype }: Pick<StoredLeaf, 'shape' | 'dtype'>): number {
  return elementsOf(shape) * STORED_BYTES[dtype];
}

/** Bytes of one whole chunk, unpacked. */
export function chunkBytes({ chunkShape, dtype }: StoredLeaf): number {
  return elementsOf(chunkShape) * STORED_BYTES[dtype];
}

/** Chunks along each axis. */
export function gridOf({ shape, chunkShape }: Pick<StoredLeaf, 'shape' | 'chunkShape'>): number[] {
  return shape.map((n, axis) => Math.ceil(n / present(chunkShape[axis], 'chunkShape[axis]')));
}
