import type { CorrelatedNoise } from '../action/index.ts';
import { present } from '../base/index.ts';

/** [n, n] the whole factor L of the noise's covariance, float32; null when it is the identity. */
export function denseFactor({ active, factor, diagonal }: CorrelatedNoise): Float32Array | null {
  if (active.length === 0) return null;
  const n = diagonal.length;
  const dense = new Float32Array(n * n);
  for (let i = 0; i < n; i++) dense[i * n + i] = present(diagonal[i], 'diagonal[i]');
  const m = active.length;
  for (let i = 0; i < m; i++)
    for (let j = 0; j < i; j++)
      dense[present(active[i], 'active[i]') * n + present(active[j], 'active[j]')] = present(
        factor[i * m + j],
        'factor[i * m + j]',
      );
  return dense;
}
