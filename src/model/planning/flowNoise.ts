import { type ChunkStatistics, CorrelatedNoise } from '../../action/index.ts';
import type { ModelConfig } from '../network/index.ts';

/**
 * The noise that the flow starts from: correlated as the data's chunks are by `correlationBeta`, white without
 * `useCorrelatedNoise`.
 * @throws InputError when it should be correlated and the statistics have no correlation
 */
export function flowNoise(config: ModelConfig, statistics: ChunkStatistics | null): CorrelatedNoise {
  const { useCorrelatedNoise, correlationBeta, actionHorizon: horizon, actionDim: width } = config;
  return new CorrelatedNoise(useCorrelatedNoise && correlationBeta > 0 ? statistics : null, {
    beta: correlationBeta,
    horizon,
    width,
  });
}
