import { crc32 } from 'node:zlib';
import { InputError } from '../../base/index.ts';

/**
 * A recording is one append-only file per session: `VALETREC`, a format number (uint32), then records. A record is a
 * head of 20 bytes (kind uint8, three zero bytes, payload length uint32, milliseconds since the session opened float64,
 * CRC-32 of these 16 bytes uint32; all little-endian) and its payload: a message as it stood on the wire, or JSON.
 * docs/recording.md says the same.
 */
export const EXTENSION = '.valetrec';
export const PREAMBLE_BYTES = 12;
export const HEAD_BYTES = 20;
const MAGIC = 'VALETREC';
const FORMAT = 1;

/** What a record is, by the number in its head. */
export const RECORD_KINDS = ['', 'open', 'received', 'received text', 'sent', 'sent text', 'close', 'gap'] as const;
export type RecordKind = Exclude<(typeof RECORD_KINDS)[number], ''>;

export interface RecordHead {
  readonly kind: RecordKind;
  /** Bytes of the payload. */
  readonly nbytes: number;
  /** Milliseconds since the session opened. */
  readonly ms: number;
}

export function preamble(): Buffer {
  const bytes = Buffer.alloc(PREAMBLE_BYTES);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32LE(FORMAT, MAGIC.length);
  return bytes;
}

/** @throws InputError for a file that is no recording, or one of a later format */
export function checkPreamble(bytes: Uint8Array, where: string): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < PREAMBLE_BYTES || view.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new InputError(where, `is no recording of a session (expected a file that begins with ${MAGIC}).`);
  const format = view.readUInt32LE(MAGIC.length);
  if (format !== FORMAT)
    throw new InputError(where, `is a recording of format ${format} (expected ${FORMAT}). Use a newer Valet.`);
}

export function encodeHead({ kind, nbytes, ms }: RecordHead): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(RECORD_KINDS.indexOf(kind), 0);
  head.writeUInt32LE(nbytes, 4);
  head.writeDoubleLE(ms, 8);
  head.writeUInt32LE(crc32(head.subarray(0, 16)), 16);
  return head;
}

/** The head that stands in `bytes`; undefined when it is damaged. */
export function decodeHead(bytes: Buffer): RecordHead | undefined {
  const kind = RECORD_KINDS[bytes.readUInt8(0)];
  if (!kind || bytes.readUInt32LE(16) !== crc32(bytes.subarray(0, 16))) return undefined;
  return { kind, nbytes: bytes.readUInt32LE(4), ms: bytes.readDoubleLE(8) };
}
