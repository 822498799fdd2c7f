import { kernelOver } from '../kernelBytes.ts';
import type { AdamwArrays, AdamwConstants, AdamwPart, AdamwShare } from './part.ts';

/** The functions of assembly/adamw.ts, where each is described. */
interface AdamwKernels {
  sumSquares(values: number, count: number, sums: number): void;
  adamw(p: number, g: number, m: number, v: number, count: number, ...constants: number[]): void;
  movingAverage(averages: number, parameters: number, count: number, decay: number, rest: number): void;
}

const PAGE_BYTES = 65536;
/** Every leaf starts at a multiple of this many elements (a cache line); the gaps stay zero. */
const ALIGNMENT = 16;
/** Elements that are updated before the next ones: their five arrays stay in a core's cache (160 KiB). */
const BLOCK = 8192;
/** Bytes of the four sums of squares. */
const SUMS_BYTES = 32;

const padded = (length: number, multiple = ALIGNMENT): number => Math.ceil(length / multiple) * multiple;

/** Elements of `parameters` for leaves of these lengths: pieces are equal and aligned. */
const lengthOf = (lengths: readonly number[], { size }: AdamwShare): number =>
  padded(
    lengths.reduce((sum, length) => sum + padded(length), 0),
    ALIGNMENT * size,
  );

/** The arrays for `length` elements, each made by `array`. */
function arraysFor(length: number, { size }: AdamwShare, array: (count: number) => Float32Array): AdamwArrays {
  const piece = length / size;
  const [parameters, gradients] = [array(length), array(length)];
  const [m, v, ema] = [array(piece), array(piece), array(piece)];
  return { parameters, gradients, m, v, ema, summed: size === 1 ? gradients : array(piece) };
}

/** Elements of all arrays for `length` elements. */
function elements(length: number, share: AdamwShare): number {
  let sum = 0;
  const none = new Float32Array(0);
  arraysFor(length, share, (count) => {
    sum += count;
    return none;
  });
  return sum;
}

/** Bytes of a memory that holds leaves of these lengths. */
export const memoryBytes = (lengths: readonly number[], share: AdamwShare): number =>
  SUMS_BYTES + 4 * elements(lengthOf(lengths, share), share);

/** What one update works on: the piece of the parameters and what belongs to it, element by element. */
const ownOf = ({ parameters, summed, m, v, ema }: AdamwArrays, { rank }: AdamwShare) => ({
  parameters: parameters.subarray(rank * m.length, (rank + 1) * m.length),
  summed,
  m,
  v,
  ema,
});
type Own = ReturnType<typeof ownOf>;

/** Leaves side by side in one WebAssembly.Memory, whose views their arrays are. */
export class AdamwMemory implements AdamwPart {
  readonly arrays: AdamwArrays;
  readonly leaves: AdamwPart['leaves'];
  readonly own: Own;
  private readonly kernels: AdamwKernels;
  private readonly sums: Float64Array;

  constructor(lengths: readonly number[], share: AdamwShare) {
    const length = lengthOf(lengths, share);
    const end = 4 * elements(length, share);
    const pages = Math.ceil((end + SUMS_BYTES) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.kernels = kernelOver('adamw', memory);
    this.sums = new Float64Array(memory.buffer, end, 4);
    let at = 0;
    this.arrays = arraysFor(length, share, (count) => {
      const array = new Float32Array(memory.buffer, at, count);
      at += array.byteLength;
      return array;
    });
    this.own = ownOf(this.arrays, share);
    let from = 0;
    this.leaves = lengths.map((count) => {
      const leaf = { from, length: count };
      from += padded(count);
      return leaf;
    });
  }

  addSquares(sums: Float64Array): void {
    const { summed } = this.own;
    this.sums.set(sums);
    this.kernels.sumSquares(summed.byteOffset, summed.length, this.sums.byteOffset);
    sums.set(this.sums);
  }

  update(constants: AdamwConstants): void {
    const { length } = this.own.m;
    for (let from = 0; from < length; from += BLOCK) this.updateBlock(from, Math.min(BLOCK, length - from), constants);
  }

  /** `count` elements from `from`, a multiple of 4 of them. */
  private updateBlock(from: number, count: number, constants: AdamwConstants): void {
    const { beta1, beta2, rate, root, keep, epsilon, clip, emaDecay } = constants;
    const { kernels, own } = this;
    const at = (name: keyof Own) => own[name].byteOffset + 4 * from;
    const numbers = [beta1, 1 - beta1, beta2, 1 - beta2, rate, root, keep, epsilon, clip];
    kernels.adamw(at('parameters'), at('summed'), at('m'), at('v'), count, ...numbers);
    if (emaDecay !== undefined) kernels.movingAverage(at('ema'), at('parameters'), count, emaDecay, 1 - emaDecay);
  }
}

/**
 * One leaf of any size in ordinary arrays; blocks of it are copied into a small memory, updated there and copied back.
 */
export class AdamwOutside implements AdamwPart {
  readonly arrays: AdamwArrays;
  readonly leaves: AdamwPart['leaves'];
  private readonly own: Own;
  private readonly window = new AdamwMemory([BLOCK], { rank: 0, size: 1 });

  constructor(length: number, share: AdamwShare) {
    this.leaves = [{ from: 0, length }];
    this.arrays = arraysFor(lengthOf([length], share), share, (count) => new Float32Array(count));
    this.own = ownOf(this.arrays, share);
  }

  addSquares(sums: Float64Array): void {
    this.each((from, to) => {
      this.enter('summed', from, to);
      this.window.addSquares(sums);
    });
  }

  update(constants: AdamwConstants): void {
    const { own, window } = this;
    this.each((from, to) => {
      for (const name of Object.keys(own) as (keyof Own)[]) this.enter(name, from, to);
      window.update(constants);
      for (const name of ['parameters', 'm', 'v', 'ema'] as const)
        own[name].set(window.own[name].subarray(0, to - from), from);
    });
  }

  private each(use: (from: number, to: number) => void): void {
    const { length } = this.own.m;
    for (let from = 0; from < length; from += BLOCK) use(from, Math.min(from + BLOCK, length));
  }

  /** Copies a piece of an array into the window; zeros follow the last one. */
  private enter(name: keyof Own, from: number, to: number): void {
    const block = this.window.own[name];
    block.set(this.own[name].subarray(from, to));
    block.fill(0, to - from);
  }
}
