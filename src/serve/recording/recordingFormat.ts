import { crc32 } from 'node:zlib';
import { InputError } from '../../base/index.ts';

/**
 * A recording is one append-only file per session: `VALETREC`, a format number (uint32), then records. A record is a
 * head of 24 bytes (kind uint8, three zero bytes, payload length uint32, milliseconds since the session opened float64,
 * CRC-32 of the payload uint32, CRC-32 of these 20 bytes uint32; all little-endian) and its payload: a message as it
 * stood on the wire, or JSON. Format 1, which is read too, has no CRC-32 of the payload. docs/recording.md says the
 * same.
 */
export const EXTENSION = '.valetrec';
export const PREAMBLE_BYTES = 12;
const MAGIC = 'VALETREC';
const FORMAT = 2;

/** What a record is, by the number in its head. */
export const RECORD_KINDS = ['', 'open', 'received', 'received text', 'sent', 'sent text', 'close', 'gap'] as const;
export type RecordKind = Exclude<(typeof RECORD_KINDS)[number], ''>;

export interface RecordHead {
  readonly kind: RecordKind;
  /** Bytes of the payload. */
  readonly nbytes: number;
  /** Milliseconds since the session opened. */
  readonly ms: number;
  /** CRC-32 of the payload; format 1 has none. */
  readonly crc?: number | undefined;
}

/** Bytes of a record's head in this format. */
export const headBytes = (format: number): number => (format === 1 ? 20 : 24);

export function preamble(): Buffer {
  const bytes = Buffer.alloc(PREAMBLE_BYTES);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32LE(FORMAT, MAGIC.length);
  return bytes;
}

/** The format. @throws InputError for a file that is no recording, or one of a later format */
export function readPreamble(bytes: Uint8Array, where: string): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length === 0) throw new InputError(where, 'is empty: nothing of the session was written.');
  if (view.length < PREAMBLE_BYTES || view.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new InputError(where, `is no recording of a session (expected a file that begins with ${MAGIC}).`);
  const format = view.readUInt32LE(MAGIC.length);
  if (format < 1 || format > FORMAT)
    throw new InputError(where, `is a recording of format ${format} (expected 1…${FORMAT}). Use a newer Valet.`);
  return format;
}

/** The head of a record with this payload. */
export function encodeHead(kind: RecordKind, payload: Uint8Array, ms: number): Buffer {
  const head = Buffer.alloc(headBytes(FORMAT));
  head.writeUInt8(RECORD_KINDS.indexOf(kind), 0);
  head.writeUInt32LE(payload.byteLength, 4);
  head.writeDoubleLE(ms, 8);
  head.writeUInt32LE(crc32(payload), 16);
  head.writeUInt32LE(crc32(head.subarray(0, 20)), 20);
  return head;
}

/** The head that stands in `bytes`; undefined when it is damaged. */
export function decodeHead(bytes: Buffer): RecordHead | undefined {
  const kind = RECORD_KINDS[bytes.readUInt8(0)];
  const end = bytes.length - 4;
  if (!kind || bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end))) return undefined;
  return {
    kind,
    nbytes: bytes.readUInt32LE(4),
    ms: bytes.readDoubleLE(8),
    crc: end > 16 ? bytes.readUInt32LE(16) : undefined,
  };
}
