import {
  bytesText,
  type MemoryRefusal,
  type MemorySetting,
  memoryRefusal,
  present,
  requireMemory,
} from '../base/index.ts';
import { byteLength, type Device, type Program } from '../tensor/index.ts';
import { int8Parts } from './int8/index.ts';
import {
  buildConditionProgram,
  buildDenoiseProgram,
  buildPrefixProgram,
  type Lora,
  type ModelConfig,
  prefixLayout,
  programParameters,
  sizeOf,
} from './network/index.ts';
import { planningConfig } from './quantiseCheckpoint.ts';

/**
 * Bytes that one way of running a network takes. The process itself (Node, runtime, code) comes on top:
 * `PROCESS_BYTES`.
 */
export interface MemoryEstimate {
  /**
   * What the sessions keep: each batch size is a pair of sessions with weights of its own, which the runtime packs and
   * does not share.
   */
  readonly weights: number;
  /** Keys and values of the prefix (inference), or gradients, moments and average (training). */
  readonly state: number;
  /** What the runtime's arenas grow to. */
  readonly activations: number;
  /** What exists only for a while beside all of it: copies while loading (inference) and while saving (training). */
  readonly passing: number;
  readonly total: number;
}

/** What Node, ONNX Runtime and Valet's code take before any weight. */
export const PROCESS_BYTES = 220e6;

export type WeightType = 'float32' | 'float16' | 'int8';

/**
 * How large the runtime's arena becomes for a byte that is alive at once: the first run fills it piece by piece, the
 * second adds one block by the plan that the first one left. Measured (docs/memory.md): 1.8 to 3.4.
 */
export const ARENA = 2.5;

/** What one model in memory can hold: it is one protocol buffer. Weights that stay in their file do not count. */
const MODEL_LIMIT = 2 ** 31;

export interface InferenceMemoryOptions {
  /**
   * Where the network is computed; the CPU when left out. What lies in a GPU's own memory is counted as if it lay in
   * the machine's.
   */
  readonly device?: Device;
  /** Weights stored in 16 bits, which are widened in memory before the runtime gets them. */
  readonly widened?: boolean;
}

/** Memory of planning: one batch size, or all those that a planner has (`createPlanner` always has 1 among them). */
export function inferenceMemory(
  config: ModelConfig,
  batches: number | readonly number[],
  weights: WeightType = 'float32',
  { device = 'cpu', widened = false }: InferenceMemoryOptions = {},
): MemoryEstimate {
  const sizes = typeof batches === 'number' ? [batches] : [...new Set(batches)];
  const { perPair, largest, condition } = planningWeights(config, weights);
  // The CPU computes float16 by rounding float32.
  const width = weights === 'float16' && device !== 'cpu' ? 0.5 : 1;
  const { length } = prefixLayout(config);
  const cache = 2 * 4 * config.layers * length * config.numKvHeads * config.headDim;
  // The file of float32 weights is mapped; otherwise the tree is read into memory and a model with a copy of them is
  // made and parsed.
  const inMemory = weights === 'float16' || widened || (device !== 'cpu' && weights !== 'int8');
  const tree = inMemory ? treeBytes(config) : 0;
  const rounding = weights === 'float16' ? 0.5 + width : 0;
  return memoryEstimate({
    weights: sizes.length * perPair * width,
    state: cache * sizes.reduce((a, b) => a + b, 0),
    activations: ARENA * sizes.reduce((sum, batch) => sum + planningPeak(config, batch), 0),
    passing: condition + tree + (inMemory ? largest * (rounding + 2 * width) : 0),
  });
}

/** Bytes of the larger of the models that the runtime is given in memory; 0 when the weights stay in their file. */
function modelBytes(config: ModelConfig, weights: WeightType, device: Device = 'cpu', widened = false): number {
  if (weights === 'int8' || (weights === 'float32' && device === 'cpu' && !widened)) return 0;
  return planningWeights(config, weights).largest * (weights === 'float16' && device !== 'cpu' ? 0.5 : 1);
}

/** Bytes of the float32 leaves. */
export function treeBytes(config: ModelConfig, lora?: Lora | null): number {
  return programParameters(config, lora).reduce((sum, { length }) => sum + 4 * length, 0);
}

interface PlanningWeights {
  /** What the sessions of one batch size hold: prefix and denoising program, parameters and constants. */
  readonly perPair: number;
  /** float32 bytes of the larger program. */
  readonly largest: number;
  /** The adaRMS kernels, read once for the conditions of the step times; the allocator keeps much of their room. */
  readonly condition: number;
}

/**
 * Weights by configuration and type, and peaks by configuration and batch: building the large programs takes a second.
 */
const known = new WeakMap<ModelConfig, Map<string, unknown>>();
function once<T>(config: ModelConfig, key: string, make: () => T): T {
  const found = known.get(config) ?? new Map<string, unknown>();
  known.set(config, found);
  if (!found.has(key)) found.set(key, make());
  return found.get(key) as T;
}

/**
 * Rows of the vocabulary that are never looked up stay in the file: the runtime maps it, and nobody touches their
 * pages.
 */
function planningWeights(config: ModelConfig, type: WeightType): PlanningWeights {
  return once(config, type === 'int8' ? 'int8' : 'float32', () => {
    const short = planningConfig(config);
    const parts = type === 'int8' ? int8Parts(short) : undefined;
    const bytes = (program: Program): number =>
      program.constants.reduce((sum, { data }) => sum + data.byteLength, 0) +
      program.parameters
        .filter(({ name }) => !parts || parts.leaves.has(present(name.split('#')[0], 'name.split(#)[0]')))
        .reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
    const programs = [buildPrefixProgram(short, { batch: 1 }), buildDenoiseProgram(short, { batch: 1 })].map(bytes);
    // One byte a number, a float32 scale and the runtime's int32 sum per column.
    const matrices = parts?.matrices.reduce((sum, { shape }) => sum + sizeOf(shape) + 8 * shape[1], 0) ?? 0;
    return {
      perPair: programs.reduce((a, b) => a + b, matrices),
      largest: Math.max(...programs),
      condition: bytes(buildConditionProgram(short, 1)),
    };
  });
}

/** Bytes alive at once in both programs: each has an arena of its own. Beyond four robots they grow with the batch. */
function planningPeak(config: ModelConfig, batch: number): number {
  const measured = (b: number): number =>
    once(config, `peak ${b}`, () =>
      [buildPrefixProgram(config, { batch: b }), buildDenoiseProgram(config, { batch: b })].reduce(
        (sum, program) => sum + peakBytes(program),
        0,
      ),
    );
  return batch <= 4 ? measured(batch) : (measured(4) * batch) / 4;
}

/** What `requirePlanningMemory` must know of a planner. */
export interface PlanningNeeds {
  readonly batchSizes: readonly number[];
  readonly weights: WeightType;
  readonly device?: Device;
  readonly widened?: boolean;
  /** Planners like this one that start beside each other. */
  readonly copies?: number;
}

/** Bytes of all the planners that `needs` describes, without their processes. */
export function planningBytes(config: ModelConfig, needs: PlanningNeeds): number {
  const { weights, device = 'cpu', widened = false, copies = 1 } = needs;
  const sizes = [...new Set([1, ...needs.batchSizes])];
  // 16-bit weights are widened on the way to float32; int8 and float16 have their own ways.
  return copies * inferenceMemory(config, sizes, weights, { device, widened: widened && weights === 'float32' }).total;
}

/**
 * The door of a planner. @param available bytes that can be had, found out when left out
 * @throws InputError with what is needed, what there is, and the nearest setting that fits
 */
export function requirePlanningMemory(config: ModelConfig, needs: PlanningNeeds, available?: number): void {
  requireMemory('planner', (bytes) => planningRefusal(config, needs, bytes), { available });
}

/** Why a planner cannot be had with `available` bytes, and what can; undefined when it can. */
export function planningRefusal(
  config: ModelConfig,
  needs: PlanningNeeds,
  available: number,
): MemoryRefusal | undefined {
  const { weights, device = 'cpu', widened = false, copies = 1 } = needs;
  const sizes = [...new Set([1, ...needs.batchSizes])].sort((a, b) => a - b);
  const bytes = (batchSizes: readonly number[], type: WeightType, wide = widened, count = copies): number =>
    planningBytes(config, { batchSizes, weights: type, device, widened: wide, copies: count });
  const named = (batches: readonly number[]): string =>
    batches.length > 1
      ? `batches of up to ${batches.at(-1)} (--batch ${batches.at(-1)})`
      : 'one robot a pass (--batch 1)';
  const alternatives = (): MemorySetting[] => {
    const smaller = sizes.slice(1).map((_, i) => sizes.slice(0, sizes.length - 1 - i));
    const with8 = 'int8 weights (valet import CHECKPOINT --out DIR --dtype int8)';
    const int8 = device === 'cpu' && weights !== 'int8';
    return [
      ...(copies > 1
        ? [{ setting: 'one planner at a time (--workers 1)', bytes: bytes(sizes, weights, widened, 1) }]
        : []),
      ...smaller.map((batches) => ({ setting: named(batches), bytes: bytes(batches, weights) })),
      ...(weights === 'float16' && device === 'cpu'
        ? [{ setting: '--precision float32', bytes: bytes(sizes, 'float32') }]
        : []),
      ...(widened ? [{ setting: 'weights imported with --dtype float32', bytes: bytes(sizes, 'float32', false) }] : []),
      ...(int8 ? [{ setting: with8, bytes: bytes(sizes, 'int8') }] : []),
      ...(int8
        ? smaller.map((batches) => ({ setting: `${with8} and ${named(batches)}`, bytes: bytes(batches, 'int8') }))
        : []),
    ];
  };
  const model = modelBytes(config, weights, device, widened);
  if (model >= MODEL_LIMIT) {
    const stored = widened && weights === 'float32' && device === 'cpu';
    return {
      reason:
        `the weights would make a model of ${bytesText(model)} (${bytesText(MODEL_LIMIT)} at most, but ` +
        'for float32 and int8 on the CPU)',
      advice:
        'nearest setting that fits: ' +
        `${stored ? 'weights imported with --dtype float32' : '--device cpu --precision float32'}`,
    };
  }
  const robots = sizes.length > 1 ? `, batches of up to ${sizes.at(-1)}` : '';
  const several = copies > 1 ? `${copies} planners` : 'a planner';
  return memoryRefusal(`${several} with ${weights} weights${robots}`, bytes(sizes, weights), available, alternatives);
}

/** With the sum of its parts. */
export function memoryEstimate(parts: Omit<MemoryEstimate, 'total'>): MemoryEstimate {
  const { weights, state, activations, passing } = parts;
  return { ...parts, total: Math.round(weights + state + activations + passing) };
}

/** Operators whose result is their operand's memory under another shape. */
const VIEWS = new Set(['Reshape', 'Identity']);

/**
 * The largest number of bytes of computed values, inputs and outputs alive at once when the nodes run in order and
 * every value goes after its last use. Parameters are not counted; views cost nothing.
 */
export function peakBytes(program: Program): number {
  const owner = new Map<string, string>();
  const own = (name: string): string => owner.get(name) ?? name;
  const last = new Map<string, number>();
  program.nodes.forEach(({ op, inputs, outputs }, at) => {
    if (VIEWS.has(op)) owner.set(present(outputs[0], 'outputs[0]'), own(present(inputs[0], 'inputs[0]')));
    for (const name of inputs) last.set(own(name), at);
  });
  for (const { value } of program.outputs) last.set(own(value), Number.POSITIVE_INFINITY);
  const fixed = new Set([...program.parameters, ...program.constants].map(({ name }) => name));
  const bytesOf = (name: string): number => {
    const { shape, dtype } = present(program.values.get(name), 'program.values.get(name)');
    return fixed.has(name) ? 0 : byteLength({ shape, dtype });
  };
  const ends = new Map<number, string[]>();
  for (const [name, at] of last) ends.set(at, [...(ends.get(at) ?? []), name]);
  let alive = program.inputs.reduce((sum, { name }) => sum + bytesOf(name), 0);
  let peak = alive;
  program.nodes.forEach(({ outputs }, at) => {
    for (const name of outputs) if (own(name) === name && last.has(name)) alive += bytesOf(name);
    peak = Math.max(peak, alive);
    for (const name of ends.get(at) ?? [])
      if (!program.inputs.some((input) => input.name === name)) alive -= bytesOf(name);
  });
  return peak;
}
