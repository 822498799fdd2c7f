import type { ModelConfig } from '../../model/index.ts';
import type { NdArray } from '../../tensor/index.ts';
import { UnknownQuantity } from '../compare.ts';
import { numbers } from '../goldenCase.ts';
import type { Values } from './lossCase.ts';

/** The golden robot's action numbers as the original's loss report names them. */
const arm = (side: string): string[] => Array.from({ length: 7 }, (_, i) => `${side}_arm_${i}`);

const COLUMNS = [
  ...['base_vel_x', 'base_vel_y', 'base_vel_z', 'trunk_0', 'trunk_1', 'trunk_2', 'trunk_3'],
  ...[...arm('left'), 'left_gripper', ...arm('right'), 'right_gripper'],
];

/** The expected file's tensor `name` from what the program traced. */
export function computed(name: string, config: ModelConfig, values: Values): ArrayLike<number> {
  const { cameras } = config;
  const [samples, batch] = values.get('feed/noise')!.shape as [number, number];
  const data = (key: string): ArrayLike<number> => {
    const found = values.get(key);
    if (!found) throw new UnknownQuantity('network', `${name} is not something that the network traces (${key}).`);
    return numbers(found);
  };
  /** [B, count, …] → the k-th of axis 1. */
  const entry = (array: ArrayLike<number>, count: number, k: number): Float64Array => {
    const size = array.length / batch / count;
    return Float64Array.from(
      { length: batch * size },
      (_, i) => array[(Math.floor(i / size) * count + k) * size + (i % size)]!,
    );
  };
  /** [B, N, …] → [N, B, …] */
  const samplesFirst = (array: ArrayLike<number>): number[] =>
    Array.from({ length: samples }, (_, s) => [...entry(array, samples, s)]).flat();

  const camera = cameras.findIndex((c) => name.split('/').includes(c));
  if (camera >= 0) {
    const traced = name.startsWith('image_float/') ? 'image_float' : name.replace(`/${cameras[camera]}`, '');
    return entry(data(traced), cameras.length, camera);
  }
  if (['time_condition', 'suffix_tokens', 'suffix_out', 'velocity'].includes(name)) return samplesFirst(data(name));
  // One layer of a cache: the last, or one by its number.
  const one = /^(kv_.+?)_(?:last_layer|layer_?(\d+))$/.exec(name);
  if (one) {
    const all = data(one[1]!);
    const layer = one[2] === undefined ? config.layers - 1 : Number(one[2]);
    const size = all.length / config.layers;
    return Array.from(all).slice(layer * size, (layer + 1) * size);
  }
  // The program bars stages that a task does not have by a large negative number, the original by -inf.
  if (name === 'stage_logits_masked') return Array.from(data(name), (x) => (x < -1e29 ? -Infinity : x));
  if (name.startsWith('loss/'))
    return reportedLoss(name.slice('loss/'.length), config, batch, data, values.has('loss/fast'));
  return data(name);
}

/** A loss as the original reports it: per sample where it is so there. */
function reportedLoss(
  name: string,
  config: ModelConfig,
  batch: number,
  data: (key: string) => ArrayLike<number>,
  withFast: boolean,
): ArrayLike<number> {
  const perSample = (column?: number): number[] => {
    const elements = data('action_loss_elements'); // [B, horizon, actionDim]
    const size = elements.length / batch;
    return Array.from({ length: batch }, (_, b) => {
      let [sum, count] = [0, 0];
      for (let i = column ?? 0; i < size; i += column === undefined ? 1 : config.actionDim, count++)
        sum += elements[b * size + i]!;
      return sum / count;
    });
  };
  if (name === 'mean_total_loss') return data('loss');
  if (name === 'subtask_loss') return data('loss/stage');
  if (name === 'subtask_accuracy') return data('stage_accuracy');
  if (name === 'fast_loss') return data('loss/fast_per_sample');
  if (name === 'fast_accuracy')
    return fastAccuracy(data('fast_logits'), data('feed/fast_tokens'), data('feed/fast_mask'), batch);
  if (name === 'action_loss') return perSample();
  if (name === 'total_loss') {
    const fast = withFast ? config.fastLossWeight * data('loss/fast')[0]! : 0;
    const rest = config.subtaskLossWeight * data('loss/stage')[0]! + fast;
    return perSample().map((x) => x + rest);
  }
  const column = COLUMNS.indexOf(name.replace('action_loss_', ''));
  if (column >= 0) return perSample(column);
  throw new UnknownQuantity('network', `no loss ${name}.`);
}

/** Share of each sample's FAST tokens whose largest logit is the right one. */
function fastAccuracy(
  logits: ArrayLike<number>,
  ids: ArrayLike<number>,
  mask: ArrayLike<number>,
  batch: number,
): number[] {
  const vocab = logits.length / ids.length;
  const length = ids.length / batch;
  return Array.from({ length: batch }, (_, b) => {
    let [right, count] = [0, 0];
    for (let i = b * length; i < (b + 1) * length; i++) {
      if (!mask[i]) continue;
      let best = 0;
      for (let v = 1; v < vocab; v++) if (logits[i * vocab + v]! > logits[i * vocab + best]!) best = v;
      count++;
      if (best === ids[i]) right++;
    }
    return Math.fround(right / Math.max(count, 1));
  });
}

/** Which elements of a per-token tensor belong to tokens that are there: [B, S, …], or [layer, B, S, …] for caches. */
export function whereValid(name: string, { shape }: NdArray, values: Values): (i: number) => boolean {
  const mask = values.get('prefix_mask')!;
  const valid = numbers(mask);
  const [batch, total] = mask.shape as [number, number];
  const axis = name.startsWith('kv_') && shape.length === 5 ? 2 : 1;
  const tokens = shape[axis]!;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return (i) => {
    const token = Math.floor(i / inner) % tokens;
    const b = Math.floor(i / inner / tokens) % batch;
    return valid[b * total + token] === 1;
  };
}
