/*
 * Numbers, texts and records as MCAP writes them: little-endian, texts and maps with their length in bytes before them
 * (mcap.dev/spec).
 */

export const MCAP_MAGIC = Buffer.from([0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a]);

/** What a record is, in its first byte. */
export const OPCODE = {
  header: 1,
  footer: 2,
  schema: 3,
  channel: 4,
  message: 5,
  chunk: 6,
  messageIndex: 7,
  chunkIndex: 8,
  statistics: 11,
  summaryOffset: 14,
  dataEnd: 15,
} as const;

export const u8 = (value: number): Buffer => Buffer.of(value);

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** Bytes with their length before them. */
export const sized = (...parts: readonly Buffer[]): Buffer => {
  const all = Buffer.concat(parts);
  return Buffer.concat([u32(all.length), all]);
};

export const text = (value: string): Buffer => sized(Buffer.from(value));

export function mcapRecord(opcode: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([u8(opcode), u64(content.length), content]);
}
