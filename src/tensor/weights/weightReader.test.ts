import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StoredArray } from './stored.ts';
import { WeightReader } from './weightReader.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-reader-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('reads ranges of a file, 16-bit ones too, again and again, also when the file has been removed', async () => {
  const file = join(folder, 'weights');
  const whole = Float32Array.of(1, -2, 3.5, 4);
  const halves = Uint16Array.of(0x3f80, 0xc000, 0x4060); // bfloat16: 1, -2, 3.5
  await writeFile(file, Buffer.concat([Buffer.from(whole.buffer), Buffer.from(halves.buffer)]));
  const stored = (count: number, offset: number, packed?: 'bfloat16'): StoredArray => ({
    ...{ shape: [count], dtype: 'float32', file, offset },
    ...(packed && { packed }),
  });
  const reader = new WeightReader([stored(2, 4)]);
  await rm(file);
  const read = (weights: Record<string, StoredArray>) =>
    Object.fromEntries([...reader.read(new Map(Object.entries(weights)))].map(([name, { data }]) => [name, [...data]]));
  const both = { a: stored(2, 4), b: stored(3, 16, 'bfloat16') };
  expect(read(both)).toEqual({ a: [-2, 3.5], b: [1, -2, 3.5] });
  expect(read({ b: stored(1, 12) })).toEqual({ b: [4] });
  expect(read(both)).toEqual({ a: [-2, 3.5], b: [1, -2, 3.5] });
  expect(() => read({ c: stored(9, 0) })).toThrow(/weights ended at byte 22 \(expected 36\)/);
  reader.close();
});
