/** Bytes of the longest frame header (RFC 8878, 3.1.1.1). */
export const HEADER_BYTES = 18;
const MAGIC = 0xfd2fb528;

export interface FrameHeader {
  /** Bytes that must be kept to decode the frame; 0 when this is no frame header. */
  readonly window: number;
  /** Bytes of the decoded frame, where the header says so. */
  readonly size: number | undefined;
}

/** The header of the first frame of `bytes` (RFC 8878, 3.1.1.1), of which all or the first `HEADER_BYTES` are here. */
export function frameHeader(bytes: Uint8Array): FrameHeader {
  if (bytes.length < 6 || Buffer.from(bytes).readUInt32LE(0) !== MAGIC) return { window: 0, size: undefined };
  const [descriptor, window] = [bytes[4]!, bytes[5]!];
  const single = (descriptor & 0x20) !== 0;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const size = sizeAt(bytes, at, [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!);
  if (single) return { window: size ?? 0, size };
  const base = 2 ** (10 + (window >> 3));
  return { window: base + (base / 8) * (window & 7), size };
}

/** A size of 1, 2, 4 or 8 bytes; one of two bytes counts from 256. */
function sizeAt(bytes: Uint8Array, at: number, width: number): number | undefined {
  if (width === 0 || at + width > bytes.length) return undefined;
  const view = Buffer.from(bytes);
  if (width === 8) return Number(view.readBigUInt64LE(at));
  return view.readUIntLE(at, width) + (width === 2 ? 256 : 0);
}
