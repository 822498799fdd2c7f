import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { countVerdicts, type Verdict, verify } from '../../src/verify/index.ts';

describe('the committed twins', () => {
  it.each([
    ['twin-network', 122],
    ['twin-sampler', 30],
    ['twin-optimizer', 8],
  ])('%s: all of its %i quantities pass', async (name, count) => {
    const verdicts: Verdict[] = [];
    for await (const verdict of verify([join(import.meta.dirname, name)])) verdicts.push(verdict);
    expect(verdicts.filter(({ pass }) => pass !== true)).toEqual([]);
    expect(countVerdicts(verdicts)).toEqual({ passed: count, failed: 0, unknown: 0 });
  });
});
