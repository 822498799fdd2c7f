import { ActionSampler, type ModelConfig, type SamplerInputs } from '../model/index.ts';
import type { Weights } from '../tensor/index.ts';

/** Chunks that are planned from held-out moments. */
export interface ChunkRequest extends Pick<SamplerInputs, 'images' | 'state'> {
  readonly task: Int32Array;
  readonly stage: Int32Array;
  /** The stage that the network is told the second time. */
  readonly stageBefore: Int32Array;
  /** [B, horizon, actionDim], where the sampling starts. */
  readonly noise: Float32Array;
}

export interface PlannedChunks {
  /** [B, horizon, actionDim], normalised. */
  readonly actions: Float32Array;
  /** [B, maxStages], told the right stage, and told the one before. */
  readonly stageLogits: Float32Array;
  readonly stageLogitsBefore: Float32Array;
}

/** Plans chunks, all requests of the same size. */
export async function planChunks(
  model: ModelConfig,
  weights: Weights,
  requests: readonly ChunkRequest[],
  { steps, threads }: { readonly steps: number; readonly threads: number },
): Promise<PlannedChunks[]> {
  const batch = requests[0]?.task.length ?? 0;
  const sampler = await ActionSampler.create(model, weights, { batch, steps, threads });
  const big = (values: Int32Array) => BigInt64Array.from(values, BigInt);
  try {
    const out: PlannedChunks[] = [];
    for (const { images, state, task, stage, stageBefore, noise } of requests) {
      const inputs = { images, state, task: big(task), stage: big(stage) };
      const { actions, stageLogits } = await sampler.sample(inputs, noise);
      const before = await sampler.encode({ ...inputs, stage: big(stageBefore) });
      out.push({ actions: actions.slice(), stageLogits, stageLogitsBefore: before.stageLogits });
    }
    return out;
  } finally {
    await sampler.close();
  }
}
