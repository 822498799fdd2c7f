import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { Builder } from '../graph/builder.ts';
import { gradients } from '../graph/gradients.ts';
import { gelu } from '../ops/elementwise.ts';
import { sum } from '../ops/reduce.ts';
import { ProgramSession } from '../run/session.ts';
import { lowerProgram } from './lower.ts';

function program({ gradient = false, inside = false } = {}) {
  const builder = new Builder();
  const x = builder.input('x', [4, 50]);
  const y = gelu(gelu(x));
  builder.output('y', y);
  if (gradient) builder.output('dx', gradients(sum(y, [0, 1]), [x])[0]!);
  if (inside) builder.output('same', gelu(x)); // the inner one's result, not what lies within it
  return builder.build();
}

const operators = (options: Parameters<typeof program>[0], lower: Parameters<typeof lowerProgram>[1] = {}) =>
  lowerProgram(program(options), lower).nodes.map(({ op }) => op);

describe('fuseGelu', () => {
  it('makes one kernel of each GELU that only results are read of', () => {
    expect(operators({})).toEqual(['Gelu', 'Gelu']);
    expect(operators({ inside: true }).filter((op) => op === 'Gelu')).toHaveLength(2);
  });
  it('leaves those alone that a gradient looks into, other precisions and other providers', () => {
    expect(operators({ gradient: true })).not.toContain('Gelu');
    expect(operators({}, { precision: 'float64' })).not.toContain('Gelu');
    expect(operators({}, { operators: 'standard' })).not.toContain('Gelu');
  });
  it('gives the same numbers', async () => {
    const random = Random.of('gelu');
    const x = Float64Array.from({ length: 200 }, () => random.normal() * 3);
    const [exact, fused] = [
      await ProgramSession.create(program(), { precision: 'float64' }),
      await ProgramSession.create(program()),
    ];
    const expected = (await exact.run({ x }))['y']!.data;
    (await fused.run({ x: Float32Array.from(x) }))['y']!.data.forEach((value, i) => {
      expect(Math.abs(Number(value) - Number(expected[i]))).toBeLessThan(1e-6);
    });
    await Promise.all([exact.close(), fused.close()]);
  });
});
