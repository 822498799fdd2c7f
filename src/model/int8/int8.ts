import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, type Progress } from '../../base/index.ts';
import {
  columnBlocks,
  type DataType,
  loadWeight,
  mapSafetensors,
  type NdArray,
  type Program,
  type QuantisedMatrices,
  type QuantisedMatrix,
  quantiseColumns,
  type StoredArray,
  safetensorsLayout,
  splitColumns,
  type Weight,
  type WeightMatrix,
  type Weights,
  weightMatrices,
} from '../../tensor/index.ts';
import {
  buildConditionProgram,
  buildDenoiseProgram,
  buildPrefixProgram,
  type ModelConfig,
  splitLayers,
} from '../network/index.ts';

/** The file of a checkpoint folder that holds the quantised matrices. */
export const INT8_FILE = 'int8.safetensors';

/**
 * Where bytes are wide enough: the products inside the transformer blocks of both experts and of the vision tower, and
 * the tower's head.
 */
const QUANTISED = /^PaliGemma\/(llm\/layers\/(attn|mlp|mlp_1)|img\/Transformer\/encoderblock|img\/head)\//;

/** What an int8 network is made of: matrices in bytes, and the leaves that stay float32. */
export interface Int8Parts {
  readonly matrices: readonly WeightMatrix[];
  /** Leaves of the tree that are still read as they are. */
  readonly leaves: ReadonlySet<string>;
}

/**
 * Which products of planning run in integers. Everything else stays float32: norms, tables, the heads that see the
 * robot's numbers (action and stage projections), the task tokens and the modulation by flow time, which would cost
 * accuracy and save nothing.
 */
export function int8Parts(config: ModelConfig): Int8Parts {
  const programs = [
    buildPrefixProgram(config, { batch: 1 }),
    buildDenoiseProgram(config, { batch: 1 }),
    buildConditionProgram(config, 1),
  ];
  const matrices = new Map<string, WeightMatrix>();
  const whole = new Set<string>();
  for (const program of programs) {
    const chosen = [...weightMatrices(program)].filter(([, { parameter }]) => QUANTISED.test(parameter));
    for (const [, matrix] of chosen) matrices.set(matrix.key, matrix);
    const quantised: QuantisedMatrices = new Map(chosen.map(([, { key }]) => [key, undefined as never]));
    for (const parameter of remaining(program, quantised)) whole.add(parameter.split('#')[0]!);
  }
  return { matrices: [...matrices.values()], leaves: whole };
}

/** The parameters that a program still reads when the products with these matrices take bytes. */
function remaining(program: Program, quantised: QuantisedMatrices): Set<string> {
  const matrices = weightMatrices(program);
  const parameters = new Set(program.parameters.map(({ name }) => name));
  const live = new Set(program.outputs.map(({ value }) => value));
  const out = new Set<string>();
  for (const node of [...program.nodes].reverse()) {
    if (!node.outputs.some((name) => live.has(name))) continue;
    const matrix = matrices.get(node.name);
    const inputs = matrix && quantised.has(matrix.key) ? node.inputs.slice(0, 1) : node.inputs;
    for (const name of inputs) {
      live.add(name);
      if (parameters.has(name)) out.add(name);
    }
  }
  return out;
}

/**
 * How far a quantised matrix is from its original: root mean square of the difference over that of the matrix, and per
 * column the worst.
 */
export interface MatrixError {
  readonly key: string;
  readonly shape: readonly [number, number];
  readonly relative: number;
}

/**
 * Writes `int8.safetensors` into `folder`, matrix by matrix: memory for one weight at a time. The float32 weights may
 * lie in files.
 * @returns the error of each matrix
 */
export async function writeInt8(
  folder: string,
  config: ModelConfig,
  leaves: Weights,
  options: { parts?: Int8Parts; progress?: Pick<Progress, 'at'> } = {},
): Promise<MatrixError[]> {
  const { matrices } = options.parts ?? int8Parts(config);
  const weights = splitLayers(config, leaves);
  const arrays = new Map<string, { shape: readonly number[]; dtype: DataType }>();
  for (const matrix of matrices)
    for (const { name, shape } of blocksOf(matrix)) {
      arrays.set(name, { shape, dtype: 'int8' });
      arrays.set(scaleName(name), { shape: [shape[1]], dtype: 'float32' });
    }
  const { head, offsets } = safetensorsLayout(arrays);
  const path = join(folder, INT8_FILE);
  const file = await open(path, 'wx');
  const errors: MatrixError[] = [];
  try {
    const write = async ({ data }: NdArray, at: number): Promise<void> => {
      await file.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 0, data.byteLength, at);
    };
    await file.write(head, 0, head.length, 0);
    let loaded: { parameter: string; data: Float32Array } | undefined;
    let done = 0;
    for (const whole of matrices) {
      const { key, parameter, shape, evaluate } = whole;
      if (loaded?.parameter !== parameter)
        loaded = { parameter, data: await float32(path, parameter, weights.get(parameter)) };
      const matrix = evaluate(loaded.data);
      const { data, scale } = quantiseColumns(matrix, shape);
      errors.push({ key, shape, relative: relativeError(matrix, data.data as Int8Array, scale.data as Float32Array) });
      const blocks = blocksOf(whole);
      const pieces = splitColumns(
        { data, scale },
        blocks.map(({ shape }) => shape[1]),
      );
      for (const [i, { name }] of blocks.entries()) {
        await write(pieces[i]!.data, offsets.get(name)!);
        await write(pieces[i]!.scale, offsets.get(scaleName(name))!);
      }
      options.progress?.at(++done);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return errors;
}

async function float32(where: string, name: string, weight: Weight | undefined): Promise<Float32Array> {
  if (!weight) throw new InputError(where, `cannot be made: the weight ${name} is missing.`);
  const { data } = await loadWeight(weight);
  if (!(data instanceof Float32Array)) throw new InputError(where, `cannot be made: ${name} is not float32.`);
  return data;
}

function relativeError(matrix: Float32Array, data: Int8Array, scale: Float32Array): number {
  let difference = 0;
  let whole = 0;
  for (let at = 0, column = 0; at < matrix.length; at++) {
    const d = matrix[at]! - data[at]! * scale[column]!;
    difference += d * d;
    whole += matrix[at]! * matrix[at]!;
    if (++column === scale.length) column = 0;
  }
  return whole === 0 ? 0 : Math.sqrt(difference / whole);
}

const scaleName = (name: string): string => `${name}#scale`;

/** Name and shape of an array that holds some columns of a matrix. */
interface MatrixBlock {
  readonly name: string;
  readonly shape: readonly [number, number];
}

const blockName = (key: string, start: number): string => `${key}|columns ${start}`;

/** The arrays that a matrix is written in: its column blocks, or the whole under its own key. */
function blocksOf({ key, shape }: WeightMatrix): MatrixBlock[] {
  const widths = columnBlocks(shape[1]);
  if (widths.length === 1) return [{ name: key, shape }];
  let start = 0;
  return widths.map((width) => {
    start += width;
    return { name: blockName(key, start - width), shape: [shape[0], width] };
  });
}

/**
 * The matrices of a checkpoint folder: bytes stay in the file, scales are read. @throws InputError when one that the
 * network needs is missing or misshapen
 */
export async function readInt8(folder: string, parts: Int8Parts): Promise<QuantisedMatrices> {
  const path = join(folder, INT8_FILE);
  const stored = await mapSafetensors(path);
  const out = new Map<string, readonly QuantisedMatrix[]>();
  for (const matrix of parts.matrices) {
    const blocks = storedBlocks(stored, matrix);
    out.set(matrix.key, await Promise.all(blocks.map((block) => readBlock(path, stored, block))));
  }
  return out;
}

/**
 * The arrays of a matrix as the file has it, in whatever blocks it was written; what is missing is asked for under the
 * name that it would have.
 */
function storedBlocks(stored: ReadonlyMap<string, StoredArray>, matrix: WeightMatrix): MatrixBlock[] {
  const { key, shape } = matrix;
  const [rows, columns] = shape;
  if (stored.has(key)) return [{ name: key, shape }];
  const blocks: MatrixBlock[] = [];
  for (let start = 0; start < columns; ) {
    const name = blockName(key, start);
    const width = stored.get(name)?.shape[1];
    if (!width || width > columns - start) return blocksOf(matrix);
    blocks.push({ name, shape: [rows, width] });
    start += width;
  }
  return blocks;
}

async function readBlock(
  path: string,
  stored: ReadonlyMap<string, StoredArray>,
  { name, shape }: MatrixBlock,
): Promise<QuantisedMatrix> {
  const [data, scale] = [stored.get(name), stored.get(scaleName(name))];
  if (!data || !scale) throw new InputError(path, `the matrix ${name} is missing. Import the checkpoint again.`);
  if (data.dtype !== 'int8' || String(data.shape) !== String(shape))
    throw new InputError(path, `${name} is ${data.dtype} [${data.shape}] (expected int8 [${shape}]).`);
  if (scale.dtype !== 'float32' || String(scale.shape) !== String([shape[1]]))
    throw new InputError(
      path,
      `${scaleName(name)} is ${scale.dtype} [${scale.shape}] (expected float32 [${shape[1]}]).`,
    );
  return { data, scale: await loadWeight(scale) };
}
