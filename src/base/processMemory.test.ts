import { expect, it } from 'vitest';
import { processMemory } from './processMemory.ts';

it('says what this process holds, as the system counts it and without its help', () => {
  const block = new Uint8Array(2 ** 26).fill(1);
  for (const memory of [processMemory(), processMemory('/no/such/file')]) {
    expect(memory.resident).toBeGreaterThan(block.length);
    expect(memory.peak).toBeGreaterThanOrEqual(block.length);
  }
  const { resident, own = 0, files = 0 } = processMemory();
  expect(Math.abs(own + files - resident)).toBeLessThan(0.1 * resident);
});
