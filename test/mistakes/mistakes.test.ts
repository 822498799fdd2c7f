import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MISTAKES } from './mistakes.ts';

describe('the list of deliberate mistakes', () => {
  it.each(MISTAKES.map((mistake) => [mistake.what, mistake] as const))('still applies: %s', (_, { file, edits }) => {
    const text = readFileSync(join(import.meta.dirname, '../../src', file), 'utf8');
    for (const [from] of edits) expect(text.split(from).length - 1, `${file}: ${from}`).toBe(1);
  });
});
