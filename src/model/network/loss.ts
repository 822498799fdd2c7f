import { InputError, present } from '../../base/index.ts';
import {
  add,
  argmax,
  cast,
  crossEntropy,
  div,
  equal,
  gather,
  gradients,
  maximum,
  mean,
  mul,
  type Program,
  reshape,
  scale,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
} from '../../tensor/index.ts';
import { auxiliaryFeatures, chunkLoss, objectsLoss } from './auxiliary.ts';
import type { ModelConfig } from './config.ts';
import { dense } from './layers.ts';
import type { Lora } from './lora.ts';
import { Network, type Trace } from './network.ts';
import { outcomeTerms } from './outcome.ts';
import { mixCache, type Prefix, prefixPass } from './prefix.ts';
import { modulations, suffixPass, timeCondition } from './suffix.ts';

export interface LossOptions {
  readonly batch: number;
  /** Flow samples per prefix pass; the configuration's when left out. */
  readonly flowSamples?: number;
  /** Emit `sample/…` outputs: losses of each sample. */
  readonly perSample?: boolean;
  /** Emit `gradient/<parameter>` outputs. */
  readonly gradients: boolean;
  /** `uint8` pixels, or `float32` in [-1, 1]. */
  readonly imageInput?: 'uint8' | 'float32';
  /** Without it there is no `image_mask` input: every camera is there, and the graph is smaller. */
  readonly imageMask?: boolean;
  /** A `stage_label` input beside `stage`, for training with a wrong stage in the tokens now and then. */
  readonly stageLabel?: boolean;
  /**
   * A `sample_weight` [B] input: how much each sample's actions count, those of the flow, FAST and the auxiliary
   * chunk.
   * Stage, positions and outcome are learned from all samples alike.
   */
  readonly sampleWeights?: boolean;
  /** False: the batches hold no FAST tokens, though the network has leaves for them. True when left out. */
  readonly fastTokens?: boolean;
  /** Which leaves get gradients, by the tree's name; all when left out. */
  readonly trainable?: (leaf: string) => boolean;
  /** Compute the values within each layer again in the backward pass: less memory, a third more work. */
  readonly recompute?: boolean;
  /** Adapters of the vision-language model; their leaves are trained like others. */
  readonly lora?: Lora | null | undefined;
  readonly trace?: Trace;
}

/**
 * The training loss and its gradients.
 *
 * Inputs: `images` [B, cameras, S, S, 3], `image_mask` [B, cameras] uint8 (0/1), `state` [B, actionDim], `task` [B] and
 * `stage` [B] int64, `actions` [B, actionHorizon, actionDim], `noise` [N, B, actionHorizon, actionDim], `time` [N, B];
 * `fast_tokens` [B, T] int64 and `fast_mask` [B, T] uint8 with FAST; `objects` [B, size] with that head; `stage_label`
 * [B] int64 and `sample_weight` [B] when asked for; labels of the outcome (`outcomeTerms`) with those heads.
 * Weights as `programParameters` lists them. Outputs: scalars `loss`, `loss/action`,
 * `loss/stage`, `loss/fast`, `loss/chunk`, `loss/objects`, `loss/success`, `loss/progress` (those that are on),
 * `stage_accuracy`; `gradient/<input name>` of every weight that the loss depends on.
 * With `perSample` also [B] `sample/action`, `sample/stage` and
 * `sample/stage_right` (1 where the stage was found), whose means are the losses of the batch.
 *
 * loss = action + subtaskLossWeight·stage + fastLossWeight·fast + auxiliary weights · theirs
 * (docs/facts.md#flow-matching-and-noise).
 */
export function buildLossProgram(config: ModelConfig, options: LossOptions): Program {
  const { batch, flowSamples = config.flowSamples, imageInput = 'uint8', imageMask = true } = options;
  const { trace, recompute, lora } = options;
  const net = new Network(config, { trace, recompute, lora: lora ?? undefined });
  const { builder } = net;
  const side = config.imageSize;
  const images = builder.input('images', [batch, config.cameras.length, side, side, 3], imageInput);
  const mask = imageMask ? builder.input('image_mask', [batch, config.cameras.length], 'uint8') : undefined;
  const state = builder.input('state', [batch, config.actionDim]);
  const task = builder.input('task', [batch], 'int64');
  const stage = builder.input('stage', [batch], 'int64');
  const label = options.stageLabel ? builder.input('stage_label', [batch], 'int64') : stage;
  const chunk = [config.actionHorizon, config.actionDim];
  const actions = builder.input('actions', [batch, ...chunk]);
  const noise = builder.input('noise', [flowSamples, batch, ...chunk]);
  const time = builder.input('time', [flowSamples, batch]);
  const fast =
    config.useFastAuxiliary && (options.fastTokens ?? true)
      ? {
          tokens: builder.input('fast_tokens', [batch, config.maxFastTokens], 'int64'),
          mask: builder.input('fast_mask', [batch, config.maxFastTokens], 'uint8'),
        }
      : undefined;

  const weight = options.sampleWeights ? builder.input('sample_weight', [batch]) : undefined;

  const prefix = prefixPass(net, { images, imageMask: mask, state, task, stage, fast });
  const action = flowLoss(net, prefix, actions, noise, time);
  const stages = stagePrediction(net, prefix, task, label);
  const terms: Record<string, [Tensor, number]> = {
    action: [weight ? mean(mul(mean(action.squares, [1, 2, 3]), weight)) : mean(action.squares), 1],
    stage: [mean(stages.losses), config.subtaskLossWeight],
  };
  if (fast) {
    const losses = fastLosses(net, prefix, fast.tokens, fast.mask);
    terms['fast'] = [mean(weight ? mul(losses, weight) : losses), config.fastLossWeight];
  }
  if (config.auxiliary?.chunk || config.auxiliary?.objects) {
    const features = auxiliaryFeatures(net, prefix);
    const { chunk: chunkHead, objects: objectsHead } = config.auxiliary;
    if (chunkHead) terms['chunk'] = [chunkLoss(net, features, actions, weight), chunkHead.weight];
    if (objectsHead) {
      const objects = builder.input('objects', [batch, objectsHead.size]);
      terms['objects'] = [objectsLoss(net, features, objects), objectsHead.weight];
    }
  }
  Object.assign(terms, outcomeTerms(net, prefix, batch));
  const loss = Object.values(terms)
    .filter(([, weight]) => weight !== 0)
    .map(([term, weight]) => scale(term, weight))
    .reduce((a, b) => add(a, b));
  builder.output('loss', loss);
  for (const [name, [term]] of Object.entries(terms)) builder.output(`loss/${name}`, term);
  builder.output('stage_accuracy', mean(stages.right));
  if (options.perSample) {
    builder.output('sample/action', mean(action.squares, [1, 2, 3]));
    builder.output('sample/stage', stages.losses);
    builder.output('sample/stage_right', stages.right);
  }
  if (options.gradients) outputGradients(net, loss, options.trainable);
  return builder.build();
}

function outputGradients(net: Network, loss: Tensor, trainable: (leaf: string) => boolean = () => true): void {
  const wanted = [...net.weights()].filter(([input]) => trainable(present(input.split('#')[0], 'input.split(#)[0]')));
  if (wanted.length === 0) throw new InputError('buildLossProgram', 'no weight is trainable.');
  const found = gradients(
    loss,
    wanted.map(([, weight]) => weight),
  );
  found.forEach((gradient, i) => {
    net.builder.output(`gradient/${present(wanted[i], 'wanted[i]')[0]}`, gradient);
  });
}

/**
 * Flow matching: x_t = t·noise + (1-t)·actions, the velocity's target is noise - actions; the loss is the mean of the
 * squares [B, N, horizon, actionDim]. The samples of one observation share its prefix; they are a second batch axis of
 * the action expert.
 */
function flowLoss(
  net: Network,
  prefix: Prefix,
  actions: Tensor,
  noise: Tensor,
  time: Tensor,
): { readonly squares: Tensor } {
  const [samples, batch, horizon, width] = noise.shape as [number, number, number, number];
  const z = samples === 1 ? reshape(noise, [batch, 1, horizon, width]) : transpose(noise, [1, 0, 2, 3]); // [B, N, H, D]
  const t = reshape(transpose(time, [1, 0]), [batch, samples, 1, 1]);
  const a = reshape(actions, [batch, 1, horizon, width]);
  const target = sub(z, a);
  const noisy = add(a, mul(t, target));
  const velocity = suffixPass(net, {
    noisy,
    modulations: modulations(net, timeCondition(net, reshape(t, [batch * samples]))),
    cache: mixCache(net, prefix),
    valid: prefix.valid && sliceValid(prefix),
    start: net.builder.constant([prefix.layout.length], [1, 1]), // training counts absent tokens too; sampling does not
  });
  net.trace?.('velocity', velocity);
  const squares = square(sub(velocity, target));
  net.trace?.('action_loss_elements', mean(squares, [1]));
  return { squares };
}

function sliceValid({ valid, layout }: Prefix): Tensor {
  return slice(present(valid, 'valid'), 1, 0, layout.length);
}

/** From the base-task output: cross entropy against the stage [B], and 1 [B] where the largest logit is right. */
function stagePrediction(
  net: Network,
  prefix: Prefix,
  task: Tensor,
  label: Tensor,
): { readonly losses: Tensor; readonly right: Tensor } {
  const raw = dense(net, 'stage_pred_from_vlm', prefix.base);
  net.trace?.('stage_logits_raw', raw);
  const logits = add(
    raw,
    gather(net.builder.constant(stageBars(net.config), [net.config.taskNumStages.length, net.config.maxStages]), task),
  );
  net.trace?.('stage_logits_masked', logits);
  return {
    losses: crossEntropy(logits, label, { reduction: 'none' }),
    right: cast(equal(argmax(logits, 1), label), 'float32'),
  };
}

/** [tasks, maxStages]: 0 for the task's stages, a large negative number beyond (finite: gradients stay free of NaN). */
function stageBars({ taskNumStages, maxStages }: ModelConfig): Float32Array {
  const bars = new Float32Array(taskNumStages.length * maxStages);
  taskNumStages.forEach((n, task) => {
    bars.fill(-1e30, task * maxStages + n, (task + 1) * maxStages);
  });
  return bars;
}

/** Cross entropy of the FAST tokens, averaged over each sample's own tokens [B]. */
function fastLosses(net: Network, prefix: Prefix, ids: Tensor, mask: Tensor): Tensor {
  const logits = dense(net, 'fast_token_proj', present(prefix.fast, 'prefix.fast'));
  net.trace?.('fast_logits', logits);
  const losses = crossEntropy(logits, ids, { reduction: 'none' });
  net.trace?.('fast_token_loss', losses);
  const weights = cast(mask, 'float32');
  const perSample = div(sum(mul(losses, weights), [1]), maximum(sum(weights, [1]), 1));
  net.trace?.('loss/fast_per_sample', perSample);
  return perSample;
}
