import { InputError } from '../base/index.ts';
import type { Robot } from '../robot/index.ts';
import { splineMatrix } from './spline.ts';

/** A gripper column that varies by more than this within the executed rows forbids compression. */
export const GRIPPER_CHANGE = 0.2;

export interface CompressionOptions {
  /** Rows of a chunk that are meant to be executed (26). */
  readonly execute: number;
  /** Rows after them that the next plan must keep to (4). */
  readonly keep: number;
  /** Control steps that they are executed in (20). */
  readonly steps: number;
  /** Play a chunk at its own speed when a gripper moves in it (the original's "tricks"). Default true. */
  readonly gripperCheck?: boolean;
  /** How much a gripper may vary; compared in float64, strictly. Default 0.2. */
  readonly gripperChange?: number;
  /** false: never compress. Default true. */
  readonly compress?: boolean;
  /**
   * What the base's velocity commands of a squeezed chunk are multiplied by. Default execute/steps, so that it still
   * gets as far.
   */
  readonly baseFactor?: number | undefined;
  /** Whose grippers are looked at and whose base is sped up; a robot without them needs neither. */
  readonly robot: Robot;
}

export interface CompressedChunk {
  /** Absolute actions to execute, [steps, width]. */
  readonly actions: Float64Array;
  readonly rows: number;
  /** Rows for the next plan, absolute and at the chunk's own speed, [nextRows ≤ keep, width]. */
  readonly nextPrefix: Float64Array;
  readonly nextRows: number;
  readonly compressed: boolean;
}

const matrices = new Map<string, Float64Array>();

/**
 * The rows of a plan to execute: its first `execute` rows squeezed into `steps` by a cubic spline, the base's
 * velocity commands raised by execute/steps; or,
 * when a gripper moves in them, its first `steps` rows as they are. Golden case compression.
 * @param chunk absolute actions, float64 [horizon, width]
 */
export function compressChunk(chunk: Float64Array, options: CompressionOptions): CompressedChunk {
  const { execute, keep, steps, gripperCheck = true, gripperChange = GRIPPER_CHANGE, compress = true } = options;
  const { baseFactor = execute / steps, robot } = options;
  const { width } = robot;
  const horizon = chunk.length / width;
  if (!Number.isInteger(horizon))
    throw new InputError('compressChunk', `the chunk is not of whole rows (got ${chunk.length} numbers).`);
  const may = compress && steps < execute;
  if (Math.max(steps, may ? execute : 0) > horizon)
    throw new InputError(
      'compressChunk',
      `the chunk is too short (got ${horizon} rows, expected at least ` +
        `${Math.max(steps, may ? execute : 0)}: ${execute} to execute in ${steps} steps). Execute fewer.`,
    );
  const compressed = may && !(gripperCheck && gripperMoves(chunk, execute, gripperChange, robot));
  const used = compressed ? execute : steps;
  const nextPrefix = chunk.slice(used * width, (used + keep) * width);
  const actions = compressed ? squeeze(chunk, execute, steps, baseFactor, robot) : chunk.slice(0, steps * width);
  return { actions, rows: steps, nextPrefix, nextRows: nextPrefix.length / width, compressed };
}

function gripperMoves(chunk: Float64Array, rows: number, change: number, { gripperColumns, width }: Robot): boolean {
  return gripperColumns.some((column) => {
    let [low, high] = [Infinity, -Infinity];
    for (let t = 0; t < rows; t++) {
      const value = chunk[t * width + column]!;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return high - low > change;
  });
}

function squeeze(
  chunk: Float64Array,
  execute: number,
  steps: number,
  baseFactor: number,
  { width, baseColumns }: Robot,
): Float64Array {
  const key = `${execute} ${steps}`;
  let matrix = matrices.get(key);
  if (!matrix) matrices.set(key, (matrix = splineMatrix(execute, steps)));
  const factors = new Float64Array(width).fill(1);
  for (const column of baseColumns) factors[column] = baseFactor;
  const out = new Float64Array(steps * width);
  for (let p = 0; p < steps; p++)
    for (let d = 0; d < width; d++) {
      let sum = 0;
      for (let t = 0; t < execute; t++) sum += matrix[p * execute + t]! * chunk[t * width + d]!;
      out[p * width + d] = sum * factors[d]!;
    }
  return out;
}
