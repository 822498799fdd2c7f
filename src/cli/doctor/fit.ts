import {
  configs,
  inferenceMemory,
  PROCESS_BYTES,
  TRAINING_STATE_LIMIT,
  trainingMemory,
  trainingStateBytes,
} from '../../model/index.ts';

/** What one network needs for one kind of work, in bytes, and whether it fits. */
export interface Fit {
  readonly config: string;
  readonly work: 'plan' | 'train';
  readonly weights: 'float32' | 'float16' | 'int8';
  readonly batch: number;
  readonly bytes: number;
  readonly fits: boolean;
  /** Training: the largest batch that fits (0 when none does). */
  readonly largestBatch?: number;
  /** Why it can never fit, or the nearest setting that does. */
  readonly advice?: string;
}

const TRAINING_BATCH = 8;
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;

/** Every preset against `usable` bytes of memory: planning for one robot with each type of weights, training with a batch of 8. */
export function fits(usable: number): Fit[] {
  return Object.entries(configs).flatMap(([config, network]) => {
    const planning = (['float32', 'int8'] as const).map((weights): Fit => {
      const bytes = inferenceMemory(network, 1, weights).total + PROCESS_BYTES;
      return { config, work: 'plan', weights, batch: 1, bytes, fits: bytes <= usable };
    });
    const plans = planning.map((plan): Fit => {
      const other = planning.find((candidate) => candidate.fits);
      if (plan.fits) return plan;
      const advice = other ? `with ${other.weights} weights it fits` : `needs ${gigabytes(plan.bytes - usable)} more`;
      return { ...plan, advice };
    });
    return [...plans, training(config, usable)];
  });
}

function training(config: string, usable: number): Fit {
  const network = configs[config as keyof typeof configs];
  const state = trainingStateBytes(network);
  const about = { config, work: 'train', weights: 'float32', batch: TRAINING_BATCH } as const;
  if (state >= TRAINING_STATE_LIMIT) {
    const advice = `${gigabytes(state)} of weights, gradients and moments (${gigabytes(TRAINING_STATE_LIMIT)} at most in one process): freeze parts, or take a smaller network`;
    return { ...about, bytes: state + PROCESS_BYTES, fits: false, largestBatch: 0, advice };
  }
  const one = trainingMemory(network, 1).activations;
  const perSample = (trainingMemory(network, TRAINING_BATCH).activations - one) / (TRAINING_BATCH - 1);
  const bytesWith = (batch: number) => state + one + perSample * (batch - 1) + PROCESS_BYTES;
  const largestBatch = Math.max(0, Math.floor((usable - bytesWith(0)) / perSample));
  const bytes = Math.round(bytesWith(TRAINING_BATCH));
  const fit = bytes <= usable;
  const advice =
    largestBatch > 0 ? `a batch of ${largestBatch} fits` : `needs ${gigabytes(bytesWith(1) - usable)} more`;
  return { ...about, bytes, fits: fit, largestBatch, ...(fit ? {} : { advice }) };
}
