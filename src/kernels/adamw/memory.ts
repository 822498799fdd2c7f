import { kernelOver } from '../kernelBytes.ts';
import type { AdamwConstants, AdamwLeaf, AdamwPart } from './part.ts';

/** The functions of assembly/adamw.ts, where each is described. */
interface AdamwKernels {
  sumSquares(values: number, count: number, sums: number): void;
  adamw(p: number, g: number, m: number, v: number, count: number, ...constants: number[]): void;
  movingAverage(averages: number, parameters: number, count: number, decay: number, rest: number): void;
}

const PAGE_BYTES = 65536;
/** Every leaf starts at a multiple of this many elements (a cache line); the gaps stay zero. */
const ALIGNMENT = 16;
/** The order of the arrays in a memory. */
const ARRAYS = ['parameters', 'gradients', 'm', 'v', 'ema'] as const;
/** Elements that are updated before the next ones: their five arrays stay in a core's cache (160 KiB). */
const BLOCK = 8192;
/** Bytes of the four sums of squares. */
const SUMS_BYTES = 32;

const padded = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

/** Bytes of a memory that holds leaves of these lengths. */
export const memoryBytes = (lengths: readonly number[]): number =>
  SUMS_BYTES + 4 * ARRAYS.length * lengths.reduce((sum, length) => sum + padded(length), 0);

/** Leaves side by side in one WebAssembly.Memory, whose views their arrays are. */
export class AdamwMemory implements AdamwPart {
  readonly leaves: readonly AdamwLeaf[];
  private readonly kernels: AdamwKernels;
  /** Elements of one array, gaps included. */
  private readonly length: number;
  private readonly sums: Float64Array;

  constructor(lengths: readonly number[]) {
    this.length = lengths.reduce((sum, length) => sum + padded(length), 0);
    const end = this.pointer(ARRAYS.length, 0);
    const pages = Math.ceil((end + SUMS_BYTES) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.kernels = kernelOver('adamw', memory);
    this.sums = new Float64Array(memory.buffer, end, 4);
    let from = 0;
    this.leaves = lengths.map((length) => {
      const array = (which: number) => new Float32Array(memory.buffer, this.pointer(which, from), length);
      const leaf = { parameters: array(0), gradients: array(1), m: array(2), v: array(3), ema: array(4) };
      from += padded(length);
      return leaf;
    });
  }

  addSquares(sums: Float64Array): void {
    this.sums.set(sums);
    this.kernels.sumSquares(this.pointer(1, 0), this.length, this.sums.byteOffset);
    sums.set(this.sums);
  }

  update(constants: AdamwConstants): void {
    for (let from = 0; from < this.length; from += BLOCK)
      this.updateBlock(from, Math.min(BLOCK, this.length - from), constants);
  }

  /** `count` elements from `from`, a multiple of 4 of them. */
  private updateBlock(from: number, count: number, constants: AdamwConstants): void {
    const { beta1, beta2, rate, root, keep, epsilon, clip, emaDecay } = constants;
    const { kernels } = this;
    const at = (which: number) => this.pointer(which, from);
    const numbers = [beta1, 1 - beta1, beta2, 1 - beta2, rate, root, keep, epsilon, clip];
    kernels.adamw(at(0), at(1), at(2), at(3), count, ...numbers);
    if (emaDecay !== undefined) kernels.movingAverage(at(4), at(0), count, emaDecay, 1 - emaDecay);
  }

  /** Byte offset of element `from` of one of `ARRAYS`. */
  private pointer(which: number, from: number): number {
    return 4 * (which * this.length + from);
  }
}

/**
 * One leaf of any size in ordinary arrays; blocks of it are copied into a small memory, updated there and copied back.
 */
export class AdamwOutside implements AdamwPart {
  readonly leaves: readonly [AdamwLeaf];
  private readonly window = new AdamwMemory([BLOCK]);

  constructor(private readonly length: number) {
    const array = () => new Float32Array(length);
    this.leaves = [{ parameters: array(), gradients: array(), m: array(), v: array(), ema: array() }];
  }

  addSquares(sums: Float64Array): void {
    this.each((from, to) => {
      this.enter('gradients', from, to);
      this.window.addSquares(sums);
    });
  }

  update(constants: AdamwConstants): void {
    this.each((from, to) => {
      for (const name of ARRAYS) this.enter(name, from, to);
      this.window.update(constants);
      const [block] = this.window.leaves as readonly [AdamwLeaf];
      for (const name of ARRAYS)
        if (name !== 'gradients') this.leaves[0][name].set(block[name].subarray(0, to - from), from);
    });
  }

  private each(use: (from: number, to: number) => void): void {
    for (let from = 0; from < this.length; from += BLOCK) use(from, Math.min(from + BLOCK, this.length));
  }

  /** Copies a piece of an array into the window; zeros follow the last one. */
  private enter(name: (typeof ARRAYS)[number], from: number, to: number): void {
    const block = this.window.leaves[0]![name];
    block.set(this.leaves[0][name].subarray(from, to));
    block.fill(0, to - from);
  }
}
