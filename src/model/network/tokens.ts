import { present } from '../../base/index.ts';
import {
  add,
  addScalar,
  type Builder,
  cast,
  concat,
  gather,
  mul,
  relu,
  reshape,
  scale,
  sigmoid,
  silu,
  slice,
  type Tensor,
} from '../../tensor/index.ts';
import { type ModelConfig, STATE_BINS } from './config.ts';
import { dense } from './layers.ts';
import type { Network } from './network.ts';
import { STAGE_PERIODS, sincos } from './sincos.ts';
import { VOCABULARY } from './vocabulary.ts';

/** First row of each task in the table of all task-stage pairs. */
function stageOffsets(config: ModelConfig): number[] {
  let sum = 0;
  return config.taskNumStages.map((n) => {
    sum += n;
    return sum - n;
  });
}

/** The stage code of every task-stage pair, [pairs, vlmWidth/2]: sincos(stage / max(stages - 1, 1)). */
function stageCodes(config: ModelConfig): Float32Array {
  const positions = config.taskNumStages.flatMap((n) =>
    Array.from({ length: n }, (_, stage) => Math.fround(stage / Math.max(n - 1, 1))),
  );
  return sincos(positions, config.vlmWidth / 2, ...STAGE_PERIODS);
}

/**
 * Base task, and four ways to say task and stage: task gated, fusion, stage-dominant, pure stage. task, stage [B] → [B,
 * 5, vlmWidth].
 */
export function taskTokens(net: Network, task: Tensor, stage: Tensor): Tensor {
  const { config, builder } = net;
  const batch = present(task.shape[0], 'task.shape[0]');
  const half = config.vlmWidth / 2;
  const offsets = builder.constant(stageOffsets(config), [config.taskNumStages.length], 'int64');
  const pair = add(gather(offsets, task), stage);
  const codes = builder.constant(stageCodes(config), [config.taskNumStages.reduce((a, b) => a + b, 0), half]);
  const e = gather(net.weight('task_embeddings/embedding'), task);
  const s = gather(codes, pair);
  const g = gather(net.weight('task_stage_embeddings/embedding'), pair);
  const all = concat([e, s, g], 1);
  const gate = (name: string, x: Tensor) => mul(x, sigmoid(dense(net, name, all)));
  const tokens = [
    e,
    gate('gate_task', e),
    dense(net, 'fusion_layer2', relu(dense(net, 'fusion_layer1', all))),
    dense(net, 'stage_projection', concat([gate('gate_sincos', s), gate('gate_task_stage', g)], 1)),
    concat([s, g], 1),
  ];
  return concat(
    tokens.map((token) => reshape(token, [batch, 1, config.vlmWidth])),
    1,
  );
}

/**
 * State [B, actionDim], normalised, → tokens [B, actionDim, vlmWidth] (one of STATE_BINS bins over
 * [-range, range), rows of the language vocabulary times √width) or one token from a two-layer MLP.
 */
export function stateTokens(net: Network, state: Tensor): Tensor {
  const { config, builder } = net;
  const batch = present(state.shape[0], 'state.shape[0]');
  if (config.stateTokens.kind === 'continuous') {
    const hidden = silu(dense(net, 'state_mlp_in', state));
    return reshape(dense(net, 'state_mlp_out', hidden), [batch, 1, config.vlmWidth]);
  }
  const bins = stateBins(builder, state, config.stateTokens.range);
  net.trace?.('state_bins', bins);
  return scale(gather(net.weight(VOCABULARY), bins), Math.fround(Math.sqrt(config.vlmWidth)));
}

/** STATE_BINS equal bins of [-range, range); values beyond fall in the outer bins. */
function stateBins(builder: Builder, x: Tensor, range: number): Tensor {
  const half = STATE_BINS / 2;
  // Edges are -range + i·range/half. With range 1 the product is exact, and the floor comes before the sum, which
  // would round it up.
  const at = scale(x, half / range);
  const [floor] = builder.emit('Floor', [at], [at]);
  const [clipped] = builder.emit(
    'Clip',
    [addScalar(present(floor, 'floor'), half), builder.constant(0), builder.constant(STATE_BINS - 1)],
    [at],
  );
  return cast(present(clipped, 'clipped'), 'int64');
}

/** FAST ids [B, T], shifted right behind id 0, → [B, T, vlmWidth] (a table of their own, not scaled). */
export function fastTokens(net: Network, ids: Tensor): Tensor {
  const [batch, length] = ids.shape as [number, number];
  const zero = net.builder.constant(new Array(batch).fill(0), [batch, 1], 'int64');
  const shifted = length === 1 ? zero : concat([zero, slice(ids, 1, 0, length - 1)], 1);
  return gather(net.weight('fast_token_embedding/embedding'), shifted);
}
