import { describe, expect, it } from 'vitest';
import { largestError } from '../../test/support/golden.ts';
import { Random } from '../base/index.ts';
import { cholesky, choleskySolveRows, gram } from './linear.ts';

describe('cholesky', () => {
  const n = 37;
  const random = Random.of('linear');
  const lower = Float64Array.from({ length: n * n }, (_, i) => {
    const [r, c] = [Math.floor(i / n), i % n];
    return c > r ? 0 : r === c ? 1 + random.uniform() : 0.3 * random.normal();
  });

  it('undoes gram', () => {
    expect(largestError(cholesky(gram(lower, n), n), lower)).toBeLessThan(1e-12);
  });

  it('solves rows', () => {
    const x = random.fillNormal(new Float64Array(3 * n));
    const sigma = gram(lower, n);
    const b = Float64Array.from(x, (_, i) => {
      const [row, column] = [Math.floor(i / n), i % n];
      let sum = 0;
      for (let k = 0; k < n; k++) sum += x[row * n + k]! * sigma[k * n + column]!;
      return sum;
    });
    expect(largestError(choleskySolveRows(lower, n, b), x)).toBeLessThan(1e-9);
  });

  it('says where a matrix is not positive definite', () => {
    expect(() => cholesky(Float64Array.of(1, 2, 2, 1), 2)).toThrow(/not positive definite \(pivot -3 at row 1 of 2\)/);
  });
});
