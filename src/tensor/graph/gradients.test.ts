import { describe, expect, it } from 'vitest';
import { checkGradients } from '../check/gradientCheck.ts';
import { OP_CASES } from '../check/opCases.ts';

const { undifferentiated: _, ...groups } = OP_CASES;
for (const [group, cases] of Object.entries(groups))
  describe(`gradients of ${group} agree with central differences in float64`, () => {
    it.each(cases.map((one) => [one.name, one] as const))('%s', async (_, { inputs, body, given }) => {
      const { worst, where, worstFloat32 } = await checkGradients(inputs, body, { given });
      // Truncation (step²) and cancellation (1e-16 / step) leave about 1e-9 on gradients of order 1.
      expect(worst, where).toBeLessThan(1e-7);
      expect(worstFloat32).toBeLessThan(2e-5);
    });
  });
