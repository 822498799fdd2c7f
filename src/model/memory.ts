import type { Program } from '../tensor/index.ts';
import { type ModelConfig, prefixLayout } from './config.ts';
import { buildDenoiseProgram, buildPrefixProgram } from './inference.ts';
import { buildLossProgram } from './loss.ts';
import { programParameters } from './views.ts';

/** Bytes that one way of running a network takes. The process itself (Node, runtime, code) comes on top: `PROCESS_BYTES`. */
export interface MemoryEstimate {
  readonly weights: number;
  /** Keys and values of the prefix (inference), or gradients, moments and average (training). */
  readonly state: number;
  /** Largest sum of values that are alive at once in any of the programs. */
  readonly activations: number;
  readonly total: number;
}

/** What Node, ONNX Runtime and Valet's code take before any weight. */
export const PROCESS_BYTES = 200e6;

export type WeightType = 'float32' | 'float16' | 'int8';
const WEIGHT_BYTES: Record<WeightType, number> = { float32: 4, float16: 2, int8: 1 };

/**
 * Memory of planning with `batch` robots a pass: weights (matrices in `weights`, vectors in float32), the mixed prefix cache, and
 * the larger of the two programs' peaks. The passes run one after the other; each bakes its own part of the weights.
 */
export function inferenceMemory(config: ModelConfig, batch: number, weights: WeightType = 'float32'): MemoryEstimate {
  const stored = programParameters(config).reduce((sum, { shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return sum + count * (shape.length > 1 ? WEIGHT_BYTES[weights] : 4);
  }, 0);
  const { length } = prefixLayout(config);
  const state = 2 * 4 * config.layers * batch * length * config.numKvHeads * config.headDim;
  return estimate(stored, state, planningPeak(config, batch));
}

/** Peaks by configuration and batch: the weights' type does not change them, and building the large programs takes a second. */
const peaks = new WeakMap<ModelConfig, Map<number, number>>();
function planningPeak(config: ModelConfig, batch: number): number {
  const known = peaks.get(config) ?? new Map<number, number>();
  peaks.set(config, known);
  if (!known.has(batch)) {
    const programs = [buildPrefixProgram(config, { batch }), buildDenoiseProgram(config, { batch })];
    known.set(batch, Math.max(...programs.map(peakBytes)));
  }
  return known.get(batch)!;
}

/** Bytes of the five float32 arrays of training (TrainingState), which WebAssembly limits to 4 GB. */
export function trainingStateBytes(config: ModelConfig): number {
  return 5 * 4 * programParameters(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
export const TRAINING_STATE_LIMIT = 2 ** 32;

/** Memory of training with `batch` samples: five float32 numbers per parameter, and the peak of the loss program with its gradients. */
export function trainingMemory(config: ModelConfig, batch: number): MemoryEstimate {
  const count = programParameters(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return estimate(4 * count, 4 * 4 * count, peakBytes(buildLossProgram(config, { batch, gradients: true })));
}

function estimate(weights: number, state: number, activations: number): MemoryEstimate {
  return { weights, state, activations, total: weights + state + activations };
}

const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  float64: 8,
  int64: 8,
  int32: 4,
  int8: 1,
  uint8: 1,
  bool: 1,
};
/** Operators whose result is their operand's memory under another shape. */
const VIEWS = new Set(['Reshape', 'Identity']);

/**
 * The largest number of bytes of computed values, inputs and outputs alive at once when the nodes run in order and every value goes
 * after its last use. Parameters are not counted; views cost nothing.
 */
export function peakBytes(program: Program): number {
  const owner = new Map<string, string>();
  const own = (name: string): string => owner.get(name) ?? name;
  const last = new Map<string, number>();
  program.nodes.forEach(({ op, inputs, outputs }, at) => {
    if (VIEWS.has(op)) owner.set(outputs[0]!, own(inputs[0]!));
    for (const name of inputs) last.set(own(name), at);
  });
  for (const { value } of program.outputs) last.set(own(value), Number.POSITIVE_INFINITY);
  const fixed = new Set([...program.parameters, ...program.constants].map(({ name }) => name));
  const bytesOf = (name: string): number => {
    const { shape, dtype } = program.values.get(name)!;
    return fixed.has(name) ? 0 : shape.reduce((a, b) => a * b, ELEMENT_BYTES[dtype]!);
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
