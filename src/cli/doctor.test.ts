import { expect, it } from 'vitest';
import { machineMemory, processor, softwareVersions } from '../base/index.ts';
import { checkVideo } from '../data/index.ts';
import { peakBytes } from '../model/memory.ts';
import { Builder, matmul, transpose } from '../tensor/index.ts';

it('counts what is alive at once', () => {
  const builder = new Builder();
  const x = builder.input('x', [10, 10]);
  const a = matmul(x, builder.parameter('w', [10, 10]));
  const b = transpose(a, [1, 0]);
  builder.output('y', matmul(b, transpose(x, [1, 0])));
  // x, a and b; then x, b and xᵀ; then x, b, xᵀ and y: 400 bytes each.
  expect(peakBytes(builder.build())).toBe(1600);
});

it('finds the machine', async () => {
  expect(softwareVersions().node).toMatch(/^\d+\./);
  expect(processor().cores).toBeGreaterThan(0);
  const { total, usable } = machineMemory();
  expect(usable).toBeGreaterThan(0);
  expect(usable).toBeLessThanOrEqual(total);
  expect(await checkVideo()).toEqual({ works: true });
});
