import { present } from '../base/index.ts';
import { byteLength, carriedValues, type Program, roomFor, sectionsOf } from '../tensor/index.ts';
import { ARENA, type MemoryEstimate, memoryEstimate, peakBytes, treeBytes } from './memory.ts';
import {
  buildLossProgram,
  type Lora,
  type ModelConfig,
  networkTree,
  programParameters,
  sizeOf,
  withoutUnreadRows,
} from './network/index.ts';

/** Bytes of the five float32 arrays of training (TrainingState). Frozen leaves have no part in them. */
export function trainingStateBytes(
  config: ModelConfig,
  trainable: (leaf: string) => boolean = () => true,
  lora?: Lora | null,
): number {
  const weights = programParameters(config, lora);
  return weights.reduce((sum, { leaf, length }) => sum + (trainable(leaf) ? 5 * 4 * length : 0), 0);
}

/**
 * The share of what recomputation could save that the runtime's own order of the nodes takes back. Measured
 * (docs/memory.md): 0.34 and 0.56.
 */
const REORDERED = 0.5;

/** What a session without an arena takes for a byte that is alive at once, by its own order of the nodes. */
const SECTION = 1.5;

/** How training computes an update (the keys of a training configuration). */
export interface UpdateForm {
  /** The batch goes through the network in so many parts; 1 when left out. */
  readonly accumulate?: number;
  /** Values within layers are computed again in the backward pass. */
  readonly recompute?: boolean;
  /** Layers are computed one after the other, frozen weights stay in their file; values are computed again, too. */
  readonly layerwise?: boolean;
  /** The run begins with weights that are drawn, not read from a checkpoint. */
  readonly fresh?: boolean;
  /** So many processes share the optimiser's state; memory and batch are those of one. 1 when left out. */
  readonly ranks?: number;
  /** Adapters of the vision-language model; none when left out. */
  readonly lora?: Lora | null;
}

/**
 * Memory of training with `batch` samples: five float32 numbers per trained parameter and one per frozen one, the arena
 * of the loss program with its gradients, and the copies of the trees while the run begins or a checkpoint is saved.
 * The samples of the data set come on top. With a batch of 0 what no batch changes (the large programs take a second to
 * build).
 * @param ranks how many share moments and average; each also has room for its piece of the summed gradients
 */
export function trainingMemory(
  config: ModelConfig,
  batch: number,
  trainable: (leaf: string) => boolean = () => true,
  form: UpdateForm = {},
): MemoryEstimate {
  if (form.layerwise) return layerwiseMemory(config, batch, trainable, form);
  const { accumulate = 1, recompute = false, ranks = 1, lora = null } = form;
  const all = treeBytes(config, lora);
  const gradients = trainingStateBytes(config, trainable, lora) / 5; // outputs of the program, but arrays of the state
  const peak = (again: boolean): number => {
    const settings = { batch: Math.ceil(batch / accumulate), gradients: true, trainable, recompute: again, lora };
    return batch > 0 ? peakBytes(buildLossProgram(config, settings)) : gradients;
  };
  const alive = recompute ? REORDERED * peak(false) + (1 - REORDERED) * peak(true) : peak(false);
  // The gradients of later parts are fetched into arrays of their own.
  const summed = accumulate > 1 ? gradients : 0;
  return memoryEstimate({
    weights: all,
    state: (ranks === 1 ? 4 * gradients : (1 + 4 / ranks) * gradients) + summed,
    activations: ARENA * Math.max(0, alive - gradients) + gradients,
    passing: 2 * all + 2 * gradients,
  });
}

/**
 * Memory of training layer by layer: of the weights those that are trained and the frozen ones of one section, of the
 * activations those of one section and what sections hand on, and while the run begins or saves one leaf.
 */
function layerwiseMemory(
  config: ModelConfig,
  batch: number,
  trainable: (leaf: string) => boolean,
  { accumulate = 1, ranks = 1, lora = null, fresh = false }: UpdateForm,
): MemoryEstimate {
  const gradients = trainingStateBytes(config, trainable, lora) / 5;
  const sections = batch > 0 ? layerSections(config, Math.ceil(batch / accumulate), trainable, lora) : [];
  const frozen = (name: string) => !trainable(present(name.split('#')[0], name));
  const read = sections.map(({ parameters }) => roomFor(parameters.filter(({ name }) => frozen(name))));
  const leaves = networkTree(config, lora).filter(({ name }) => trainable(name));
  const largest = Math.max(...leaves.map(({ shape }) => 4 * sizeOf(shape)));
  const carried = carriedValues(sections, byteLength).rooms.reduce((a, b) => a + b, 0);
  return memoryEstimate({
    weights: gradients + Math.max(0, ...read),
    state: (ranks === 1 ? 4 * gradients : (1 + 4 / ranks) * gradients) + (accumulate > 1 ? gradients : 0),
    activations: SECTION * Math.max(0, ...sections.map(peakBytes)) + carried,
    passing: 2 * largest + (fresh ? treeBytes(config, lora) - gradients : 0),
  });
}

function layerSections(
  config: ModelConfig,
  batch: number,
  trainable: (leaf: string) => boolean,
  lora: Lora | null,
): readonly Program[] {
  const model = withoutUnreadRows(config, trainable);
  return sectionsOf(buildLossProgram(model, { batch, gradients: true, trainable, recompute: true, lora }));
}
