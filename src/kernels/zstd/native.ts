import * as zlib from 'node:zlib';

/** Frames of at most this many bytes are decoded at once by Node: 16 MiB beside what is read. */
const MOST = 2 ** 24;
/** Parameter of zstd.h: the largest window, as a power of two. */
const WINDOW_LOG_MAX = 100;

type Decompress = (
  bytes: Uint8Array,
  options: { info: true; chunkSize: number; maxOutputLength: number; params: Record<number, number> },
) => { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } };

/** From Node 22.15 and 23.8 on. */
const decompress = (zlib as { readonly zstdDecompressSync?: Decompress }).zstdDecompressSync;

/** Whether Node decodes a frame of `size` bytes itself. Measured in docs/lab/kernels.md: known sizes only. */
export function isNative(size: number | undefined): size is number {
  return decompress !== undefined && size !== undefined && size > 0 && size <= MOST;
}

/** Bytes that a frame of `size` bytes takes at most (zstd.h, ZSTD_compressBound), and a checksum. */
export const packedBound = (size: number): number => size + Math.ceil(size / 256) + 2 ** 10;

/** One frame of `size` bytes, decoded; undefined where Node refuses it, or more than one frame is there. */
export function decodeNative(bytes: Uint8Array, size: number, windowLog: number): Uint8Array | undefined {
  if (bytes.length > packedBound(size)) return undefined;
  try {
    const params = { [WINDOW_LOG_MAX]: windowLog };
    // A byte more than there should be. Node is silent about what comes after a frame, so count what it took.
    const room = { chunkSize: Math.max(64, size + 1), maxOutputLength: size + 1 };
    const { buffer, engine } = decompress!(bytes, { info: true, ...room, params });
    return buffer.length === size && engine.bytesWritten === bytes.length ? buffer : undefined;
  } catch {
    return undefined;
  }
}
