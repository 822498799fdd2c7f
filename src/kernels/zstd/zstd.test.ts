import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { fillFrom, followedBy, readUpTo } from './fill.ts';
import { frameHeader } from './frameHeader.ts';
import { decodeNative, isNative, packedBound } from './native.ts';
import { decodeZstd } from './zstd.ts';

/** A frame of raw blocks (RFC 8878): magic, descriptor, window or none, size of `width` bytes, blocks. */
function rawFrame(content: Uint8Array, width: 1 | 2 | 4 | 8, single: boolean): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(content.length - (width === 2 ? 256 : 0)));
  const descriptor = ({ 1: 0, 2: 0x40, 4: 0x80, 8: 0xc0 } as const)[width] | (single ? 0x20 : 0);
  const parts = [
    Buffer.of(0x28, 0xb5, 0x2f, 0xfd, descriptor),
    ...(single ? [] : [Buffer.of(0x38)]),
    size.subarray(0, width),
  ];
  for (let at = 0; at < content.length; at += 2 ** 16) {
    const block = content.subarray(at, at + 2 ** 16);
    const head = Buffer.alloc(3);
    head.writeUIntLE((at + block.length === content.length ? 1 : 0) | (block.length << 3), 0, 3);
    parts.push(head, Buffer.from(block));
  }
  return Buffer.concat(parts);
}

const content = (length: number): Uint8Array => {
  const random = Random.of('zstd', length);
  return Uint8Array.from({ length }, () => Math.floor(random.uniform() * 256));
};

describe('frames', () => {
  it.each([
    [200, 1, true, 200],
    [300, 2, true, 300],
    [300, 2, false, 2 ** 17],
    [100_000, 4, true, 100_000],
    [100_000, 8, false, 2 ** 17],
  ] as const)(
    'of %i bytes say so in %i bytes, and are decoded whole, twice, and refused when cut off',
    (length, width, single, window) => {
      const bytes = content(length);
      const frame = rawFrame(bytes, width, single);
      expect(frameHeader(frame)).toEqual({ window, size: length });
      expect(Buffer.compare(decodeZstd(frame, length), bytes)).toBe(0);
      expect(Buffer.compare(decodeZstd(Buffer.concat([frame, frame]), 2 * length), Buffer.concat([bytes, bytes]))).toBe(
        0,
      );
      expect(() => decodeZstd(frame.subarray(0, -1), length)).toThrow('is cut off inside its zstd data');
      expect(() => decodeZstd(Buffer.concat([frame, Buffer.of(1, 2, 3, 4, 5)]), length)).toThrow(/^is /);
      expect(() => decodeZstd(frame, length - 1)).toThrow(`is longer than ${length - 1} bytes`);
    },
  );

  it('of unknown size, and what is no frame, have no size', () => {
    expect(frameHeader(Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x38))).toEqual({ window: 2 ** 17, size: undefined });
    expect(frameHeader(Buffer.from('something'))).toEqual({ window: 0, size: undefined });
  });
});

it.skipIf(!('zstdDecompressSync' in zlib))('Node’s decoder reads one frame of the right size, and nothing else', () => {
  const bytes = content(5000);
  const frame = rawFrame(bytes, 2, true);
  expect(isNative(5000)).toBe(true);
  expect(Buffer.compare(decodeNative(frame, 5000, 27)!, bytes)).toBe(0);
  expect(decodeNative(frame, 4999, 27)).toBeUndefined();
  expect(decodeNative(Buffer.concat([frame, frame]), 5000, 27)).toBeUndefined();
  expect(decodeNative(frame.subarray(0, -1), 5000, 27)).toBeUndefined();
});

it('reads piece by piece, and no more than asked', () => {
  const fill = followedBy(Buffer.from('abc'), fillFrom(Buffer.from('defgh')));
  expect(Buffer.from(readUpTo(6, fill, Buffer.from('<'))).toString()).toBe('<abcde');
  expect(Buffer.from(readUpTo(6, fill)).toString()).toBe('fgh');
  expect(packedBound(2 ** 24)).toBe(2 ** 24 + 2 ** 16 + 1024);
});
