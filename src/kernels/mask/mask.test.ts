import fc from 'fast-check';
import { expect, it } from 'vitest';
import { maskBytes } from './mask.ts';

it('is the XOR of every byte with its own byte of the key, wherever the data begins and goes', () => {
  const lengths = fc.oneof(fc.nat(70), fc.constantFrom(16383, 16384, 16385, 40_000));
  fc.assert(
    fc.property(
      lengths,
      fc.nat(20),
      fc.nat(20),
      fc.nat(9),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      (length, from, at, phase, key) => {
        const source = Uint8Array.from({ length: from + length }, (_, i) => i * 31 + 7).subarray(from);
        const target = new Uint8Array(at + length + 3).fill(0xee);
        const expected = target.slice();
        for (let i = 0; i < length; i++) expected[at + i] = source[i]! ^ key[(phase + i) & 3]!;
        maskBytes(source, key, phase, target, at);
        expect(Buffer.compare(target, expected)).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});

it('refuses a target that is too short', () => {
  expect(() => maskBytes(new Uint8Array(20), new Uint8Array(4), 0, new Uint8Array(20), 1)).toThrow(RangeError);
});
