import { bytesText, type MemoryRefusal, type MemorySetting, memoryRefusal, requireMemory } from '../base/index.ts';
import { type ModelConfig, trainingMemory, type UpdateForm } from '../model/index.ts';
import { type Frozen, frozenLeaves } from './freeze.ts';

/** What of a training configuration decides its memory. */
export interface TrainingSize extends UpdateForm {
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
export function trainingRefusal(
  { model, batch, freeze, ...form }: TrainingSize,
  available: number,
): MemoryRefusal | undefined {
  const { accumulate = 1, lora = null } = form;
  const trains = trainedWith(model, { freeze, lora });
  const least = (parts: readonly string[]): number =>
    trainingMemory(model, 0, trainedWith(model, { freeze: parts, lora }), { ...form, accumulate: 1 }).total;
  if (least(freeze) > available) {
    // No batch helps, and the loss program, which takes a second to build, need not be.
    const settings = FREEZES.map((more) => [...new Set([...freeze, ...more])]);
    const fitting = settings.find((parts) => least(parts) <= available);
    const smallest = settings.reduce((one, other) => (least(other) < least(one) ? other : one));
    const layerwise = trainingMemory(model, 0, trains, { ...form, accumulate: 1, layerwise: true }).total;
    const setting = (parts: readonly string[]): string =>
      `--set 'freeze=${JSON.stringify(parts)}' (${bytesText(least(parts))} and what the batch takes)`;
    return {
      reason:
        `training needs ${bytesText(least(freeze))} for weights, gradients, moments and average alone ` +
        `(${bytesText(available)} can be used here)`,
      advice:
        !form.layerwise && layerwise <= available
          ? `nearest setting that fits: --set layerwise=true (${bytesText(layerwise)} and what the batch takes)`
          : fitting
            ? `nearest setting that fits: ${setting(fitting)}`
            : `no setting fits: the smallest is ${setting(smallest)}`,
    };
  }
  const bytes = (parts: number): number => trainingMemory(model, batch, trains, { ...form, accumulate: parts }).total;
  return memoryRefusal(`training with a batch of ${batch}`, bytes(accumulate), available, () =>
    moreParts(batch, accumulate).map(
      (parts): MemorySetting => ({ setting: `--set accumulate=${parts}`, bytes: bytes(parts) }),
    ),
  );
}

/** Numbers of equal parts of a batch, each at least twice the one before, up to one sample a part. */
function moreParts(batch: number, parts: number): number[] {
  const out: number[] = [];
  for (let at = parts + 1; at <= batch; at++)
    if (batch % at === 0 && (at >= 2 * (out.at(-1) ?? parts) || at === batch)) out.push(at);
  return out;
}

/** Whether a leaf is trained; parts that the network does not have freeze nothing. */
export function trainedWith(model: ModelConfig, { freeze, lora }: Frozen): (leaf: string) => boolean {
  const frozen = new Set<string>(
    (lora ? ['vlm', ...freeze] : freeze).flatMap((part) => {
      try {
        return frozenLeaves(model, { freeze: [part] });
      } catch {
        return [];
      }
    }),
  );
  return (leaf) => !frozen.has(leaf);
}
