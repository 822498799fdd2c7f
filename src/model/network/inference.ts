import { concat, type Program, reshape, split, sum } from '../../tensor/index.ts';
import { type ModelConfig, prefixLayout } from './config.ts';
import { dense, splitModulation } from './layers.ts';
import { Network } from './network.ts';
import { predictedProgress, predictedSuccess } from './outcome.ts';
import { mixCache, prefixPass } from './prefix.ts';
import { modulationRows, suffixPass, timeCondition } from './suffix.ts';
import { visionTokens } from './vision.ts';

export interface InferenceOptions {
  readonly batch: number;
  /** Take a mask of the cameras that are there; without it all are. */
  readonly imageMask?: boolean;
}

/**
 * Programs by what they were built from, while somebody holds them: reading a checkpoint, reckoning its memory and
 * making its sampler need the same ones, and a large one takes a good part of a second.
 */
const built = new Map<string, WeakRef<Program>>();
function remembered(what: string, config: ModelConfig, options: unknown, build: (net: Network) => void): Program {
  const key = JSON.stringify([what, config, options]);
  const known = built.get(key)?.deref();
  if (known) return known;
  const net = new Network(config);
  build(net);
  const program = net.builder.build();
  for (const [other, reference] of built) if (!reference.deref()) built.delete(other);
  built.set(key, new WeakRef(program));
  return program;
}

/**
 * The prefix pass of planning. Inputs `images` [B, cameras, S, S, 3] uint8, `state` [B, actionDim], `task`, `stage` [B]
 * int64 (and `image_mask` [B, cameras] uint8). Outputs `keys`, `values` [layers, B, prefix, kvHeads, headDim], mixed;
 * `stage_logits` [B, maxStages], not masked; `success`, `progress` [B] of the heads that there are (and
 * `prefix_mask` [B, prefix]).
 */
export function buildPrefixProgram(config: ModelConfig, { batch, imageMask = false }: InferenceOptions): Program {
  return remembered('prefix', config, { batch, imageMask }, (net) => {
    const { builder } = net;
    const images = builder.input(
      'images',
      [batch, config.cameras.length, config.imageSize, config.imageSize, 3],
      'uint8',
    );
    const mask = imageMask ? builder.input('image_mask', [batch, config.cameras.length], 'uint8') : undefined;
    const state = builder.input('state', [batch, config.actionDim]);
    const task = builder.input('task', [batch], 'int64');
    const stage = builder.input('stage', [batch], 'int64');
    const prefix = prefixPass(net, { images, imageMask: mask, state, task, stage });
    const cache = mixCache(net, prefix);
    builder.output('keys', cache.keys);
    builder.output('values', cache.values);
    builder.output('stage_logits', dense(net, 'stage_pred_from_vlm', prefix.base));
    if (config.successLossWeight > 0) builder.output('success', predictedSuccess(net, prefix));
    if (config.progressLossWeight > 0) builder.output('progress', predictedProgress(net, prefix));
    if (prefix.valid) builder.output('prefix_mask', prefix.valid);
  });
}

/**
 * The vision tower alone, to be measured or looked at: input `images` as above, output `tokens` [B, cameras·n,
 * vlmWidth].
 */
export function buildVisionProgram(config: ModelConfig, { batch }: { batch: number }): Program {
  const net = new Network(config);
  const side = config.imageSize;
  const images = net.builder.input('images', [batch, config.cameras.length, side, side, 3], 'uint8');
  net.builder.output('tokens', visionTokens(net, images));
  return net.builder.build();
}

/**
 * All adaRMS conditions of fixed flow times, computed once per planner: input `time` [T], output `modulation` [T,
 * (2·layers + 1)·3·expertWidth].
 */
export function buildConditionProgram(config: ModelConfig, times: number): Program {
  return remembered('condition', config, times, (net) => {
    const time = net.builder.input('time', [times]);
    net.builder.output('modulation', concat(modulationRows(net, timeCondition(net, time)), 1));
  });
}

/**
 * One evaluation of the velocity. Inputs `noisy` [B, actionHorizon, actionDim], `modulation` [1, …] (a row of
 * `buildConditionProgram`), `keys#0`, …, `values#0`, … of each layer of the prefix pass (and `prefix_mask`). Output
 * `velocity` [B, actionHorizon, actionDim].
 */
export function buildDenoiseProgram(config: ModelConfig, { batch, imageMask = false }: InferenceOptions): Program {
  return remembered('denoise', config, { batch, imageMask }, (net) => {
    const { builder } = net;
    const { layers, expertWidth, actionHorizon, actionDim, numKvHeads, headDim } = config;
    const { length } = prefixLayout(config);
    const noisy = builder.input('noisy', [batch, actionHorizon, actionDim]);
    const count = 2 * layers + 1;
    const modulation = builder.input('modulation', [1, count * 3 * expertWidth]);
    // Layer by layer: the caller gives ranges of the prefix pass's outputs, which costs nothing; splitting here would
    // copy all at each step.
    const perLayer = (name: string) =>
      Array.from({ length: layers }, (_, layer) =>
        builder.input(`${name}#${layer}`, [batch, length, numKvHeads, headDim]),
      );
    const keys = perLayer('keys');
    const values = perLayer('values');
    const valid = imageMask ? builder.input('prefix_mask', [batch, length]) : undefined;
    const rows = split(modulation, 1, new Array(count).fill(3 * expertWidth));
    const velocity = suffixPass(net, {
      noisy: reshape(noisy, [batch, 1, actionHorizon, actionDim]),
      modulations: rows.map((row) => splitModulation(net, row)),
      cache: { keys, values },
      ...(valid ? { valid } : {}),
      start: valid ? sum(valid, [1], true) : builder.constant([length], [1, 1]),
    });
    builder.output('velocity', reshape(velocity, [batch, actionHorizon, actionDim]));
  });
}
