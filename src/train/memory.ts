import { bytesText, type MemoryRefusal, type MemorySetting, memoryRefusal, requireMemory } from '../base/index.ts';
import { type ModelConfig, TRAINING_STATE_LIMIT, trainingMemory, trainingStateBytes } from '../model/index.ts';
import { frozenLeaves } from './freeze.ts';

/** What of a training configuration decides its memory. */
export interface TrainingSize {
  readonly model: ModelConfig;
  readonly batch: number;
  readonly freeze: readonly string[];
}

/** Sets of parts whose freezing leaves less to train, the smallest loss first. */
const FREEZES = [
  ['visionTower'],
  ['vlm'],
  ['visionTower', 'vlm'],
  ['visionTower', 'vlm', 'kvTransform', 'task'],
  ['visionTower', 'vlm', 'actionExpert'],
  ['visionTower', 'vlm', 'actionExpert', 'kvTransform', 'task'],
];

/**
 * The door of training. @param available bytes that can be had, found out when left out
 * @throws InputError with what is needed, what there is, and the nearest setting that fits
 */
export function requireTrainingMemory(
  size: TrainingSize,
  { available }: { readonly available?: number | undefined } = {},
): void {
  requireMemory('train', (bytes) => trainingRefusal(size, bytes), { available });
}

/** Why training cannot be had with `available` bytes, and what can; undefined when it can. */
export function trainingRefusal({ model, batch, freeze }: TrainingSize, available: number): MemoryRefusal | undefined {
  const trains = trainedWith(model, freeze);
  const state = trainingStateBytes(model, trains);
  if (state >= TRAINING_STATE_LIMIT) {
    const small = FREEZES.map((more) => [...new Set([...freeze, ...more])]).filter(
      (parts) => trainingStateBytes(model, trainedWith(model, parts)) < TRAINING_STATE_LIMIT,
    );
    const least = (parts: readonly string[]): number => trainingMemory(model, 0, trainedWith(model, parts)).total;
    const fitting = small.find((parts) => least(parts) <= available);
    const setting = (parts: readonly string[]): string => `--set 'freeze=${JSON.stringify(parts)}'`;
    const [first] = small;
    return {
      reason:
        `weights, gradients, moments and average need ${bytesText(state)} in one WebAssembly memory (at most ` +
        `${bytesText(TRAINING_STATE_LIMIT)})`,
      advice: fitting
        ? `nearest setting that fits: ${setting(fitting)} (${bytesText(least(fitting))} and what the batch takes)`
        : first
          ? `no setting fits: with ${setting(first)} it would, but that needs ${bytesText(least(first))} of memory ` +
            `(${bytesText(available)} can be used here)`
          : 'no setting fits: take a smaller network',
    };
  }
  const bytes = (samples: number): number => trainingMemory(model, samples, trains).total;
  return memoryRefusal(`training with a batch of ${batch}`, bytes(batch), available, () =>
    smallerBatches(batch).map(
      (samples): MemorySetting => ({ setting: `--set batch=${samples}`, bytes: bytes(samples) }),
    ),
  );
}

/** Halves, down to one sample. */
function smallerBatches(batch: number): number[] {
  const out: number[] = [];
  for (let at = batch >> 1; at >= 1; at >>= 1) out.push(at);
  return out;
}

/** Whether a leaf is trained; parts that the network does not have freeze nothing. */
export function trainedWith(model: ModelConfig, freeze: readonly string[]): (leaf: string) => boolean {
  const frozen = new Set<string>(
    freeze.flatMap((part) => {
      try {
        return frozenLeaves(model, [part]);
      } catch {
        return [];
      }
    }),
  );
  return (leaf) => !frozen.has(leaf);
}
