import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../base/index.ts';
import { EventFile } from './eventFile.ts';

describe('EventFile', () => {
  it('writes the bytes of the format', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'valet-events-'));
    try {
      const file = await EventFile.create(folder, 300, 1.5);
      await file.scalars(300, { loss: 0.5 }, 2);
      const records: Buffer[] = [];
      const all = await readFile(file.path);
      for (let at = 0; at < all.length; ) {
        const length = Number(all.readBigUInt64LE(at));
        const data = all.subarray(at + 12, at + 12 + length);
        for (const [crc, of] of [
          [all.readUInt32LE(at + 8), all.subarray(at, at + 8)],
          [all.readUInt32LE(at + 12 + length), data],
        ] as const) {
          const unmasked = (crc - 0xa282ead8) >>> 0;
          expect(((unmasked >>> 17) | (unmasked << 15)) >>> 0).toBe(crc32c(of));
        }
        records.push(data);
        at += 16 + length;
      }
      const time = (seconds: number) => {
        const out = Buffer.alloc(8);
        out.writeDoubleLE(seconds);
        return [9, ...out];
      };
      expect(records.map((record) => [...record])).toEqual([
        [...time(1.5), 26, 13, ...Buffer.from('brain.Event:2')],
        [...time(1.5), 16, 0xad, 2, 58, 2, 8, 1],
        [...time(2), 16, 0xac, 2, 42, 13, 10, 11, 10, 4, ...Buffer.from('loss'), 21, 0, 0, 0, 63],
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
