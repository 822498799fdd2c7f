import type { CorrelatedNoise } from '../action/index.ts';
import { present } from '../base/index.ts';
import type { ModelConfig } from '../model/index.ts';
import { Builder, matmul, type Parameters, ProgramSession } from '../tensor/index.ts';

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

/** z [flow samples · batch, horizon · width] → z·Lᵀ: one matrix product for all draws of an update. */
export async function noiseSession(
  factor: Float32Array,
  { flowSamples, actionHorizon, actionDim }: ModelConfig,
  batch: number,
  threads: number,
): Promise<ProgramSession> {
  const rows = flowSamples * batch;
  const numbers = actionHorizon * actionDim;
  const builder = new Builder();
  const z = builder.input('z', [rows, numbers]);
  builder.output('noise', matmul(z, builder.parameter('factor', [numbers, numbers]), { transposeB: true }));
  const weights: Parameters = new Map([['factor', { shape: [numbers, numbers], dtype: 'float32', data: factor }]]);
  return ProgramSession.create(builder.build(), { threads, weights });
}
