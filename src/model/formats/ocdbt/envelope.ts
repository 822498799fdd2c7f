import { crc32c } from '../../../base/index.ts';
import { decodeZstd } from '../../../kernels/index.ts';
import { ByteReader, FormatError } from '../byteReader.ts';

/** First bytes of the three kinds of OCDBT blocks. */
export const MAGIC = { manifest: 0x0cdb3a2a, node: 0x0cdb20de } as const;
/** A node holds at most 8 MB by default; this is far beyond. */
const MAX_DECODED = 2 ** 30;

/**
 * Unwraps a block: magic, length (u64), version, compression (0 none, 1 zstd), content, CRC-32C of all before it.
 * Format: tensorstore's OCDBT storage format, "Common header and footer". @throws FormatError
 */
export function unwrap(block: Uint8Array, magic: number): ByteReader {
  if (block.length < 18) throw new FormatError(`has ${block.length} bytes, too few for a block`);
  const view = Buffer.from(block.buffer, block.byteOffset, block.length);
  const found = view.readUInt32BE(0);
  if (found !== magic) throw new FormatError(`begins with ${hex(found)} (expected ${hex(magic)})`);
  const length = view.readBigUInt64LE(4);
  if (length !== BigInt(block.length))
    throw new FormatError(`says that it has ${length} bytes and has ${block.length}; it may be cut off`);
  const expected = view.readUInt32LE(block.length - 4);
  const actual = crc32c(block.subarray(0, -4));
  if (actual !== expected)
    throw new FormatError(`is damaged: its checksum is ${hex(actual)} (expected ${hex(expected)})`);
  const reader = new ByteReader(block.subarray(12, -4));
  const version = reader.varint();
  if (version !== 0) throw new FormatError(`is of version ${version}, which is not known (expected 0)`);
  const compression = reader.varint();
  if (compression > 1) throw new FormatError(`is compressed in the way ${compression}, which is not known`);
  return compression === 0 ? reader : new ByteReader(decodeZstd(reader.take(reader.left), MAX_DECODED));
}

const hex = (n: number): string => `0x${n.toString(16).padStart(8, '0')}`;
