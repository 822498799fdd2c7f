import { gunzipSync, inflateSync } from 'node:zlib';
import { crc32c } from '../../base/index.ts';
import { decodeZstd, type ZstdDecoder } from '../../kernels/index.ts';
import { FormatError } from './byteReader.ts';
import type { Codec } from './storedLeaf.ts';

/** The largest chunk that is unpacked in memory; zstd alone and no packing stream and know no limit. */
export const MAX_IN_MEMORY = 2 ** 31;

/**
 * Undoes the packing of one chunk in memory, last codec first. `expected` bytes must come out.
 * @throws FormatError when the bytes are damaged
 */
export async function unpack(
  bytes: Uint8Array,
  codecs: readonly Codec[],
  expected: number,
  decoder: ZstdDecoder,
): Promise<Uint8Array> {
  let out = bytes;
  for (const { id } of [...codecs].reverse()) {
    // A step that another one wraps may be a little longer than what comes out in the end.
    const limit = expected + 4 * codecs.length + 65536;
    if (id === 'zstd') out = decodeZstd(out, limit, decoder);
    else if (id === 'crc32c') out = checked(out);
    else if (id === 'gzip' || id === 'zlib') out = inflated(out, id, limit);
    else out = await withNumcodecs(out, id, limit);
  }
  if (out.length !== expected) throw new FormatError(`holds ${out.length} bytes when unpacked (expected ${expected})`);
  return out;
}

function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) throw new FormatError('is too short for its checksum');
  const body = bytes.subarray(0, -4);
  const expected = Buffer.from(bytes.subarray(-4)).readUInt32LE(0);
  if (crc32c(body) !== expected) throw new FormatError('is damaged: its checksum is wrong');
  return body;
}

function inflated(bytes: Uint8Array, id: 'gzip' | 'zlib', limit: number): Uint8Array {
  try {
    return (id === 'gzip' ? gunzipSync : inflateSync)(bytes, { maxOutputLength: limit });
  } catch (error) {
    throw new FormatError(`is no valid ${id} data (${(error as Error).message})`);
  }
}

async function withNumcodecs(bytes: Uint8Array, id: 'lz4' | 'blosc', limit: number): Promise<Uint8Array> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < (id === 'blosc' ? 16 : 4)) throw new FormatError(`is too short for ${id} data`);
  const length = view.readUInt32LE(id === 'blosc' ? 4 : 0);
  if (length > limit)
    throw new FormatError(`says that it holds ${length} bytes when unpacked (expected ${limit} at most)`);
  if (id === 'blosc' && view.readUInt32LE(12) !== bytes.length)
    throw new FormatError(`says that it has ${view.readUInt32LE(12)} bytes and has ${bytes.length}`);
  const { default: Decoder } = await (id === 'blosc' ? import('numcodecs/blosc') : import('numcodecs/lz4'));
  try {
    return await Decoder.fromConfig({} as never).decode(bytes);
  } catch (error) {
    throw new FormatError(`is no valid ${id} data (${String((error as Error).message ?? error)})`);
  }
}
