import { ValetError } from '../../base/index.ts';
import { KERNEL_BASE64 } from './bytes.ts';

/** The functions of kernelText.ts; pointers are byte offsets into the memory. */
export interface Kernels {
  addExact(x: number, out: number, n: number): void;
  addIntegers(out: number, from: number, bytes: number): void;
  carry(out: number, bytes: number): void;
  outer(head: number, tail: number, count: number, m: number, w: number, out: number): void;
  range(x: number, rows: number, columns: number, out: number): void;
  moments(a: number, s: number, rows: number, columns: number, mask: number, out: number): void;
  prepare(
    a: number,
    s: number,
    used: number,
    have: number,
    n: number,
    columns: number,
    rows: number,
    mask: number,
    positions: number,
    errors: number,
    wide: number,
    x: number,
    g: number,
    e: number,
  ): void;
  gram(e: number, rows: number, wide: number, out: number): void;
  load(
    from: number,
    fromNext: number,
    also: number,
    alsoNext: number,
    n: number,
    order: number,
    re: number,
    im: number,
  ): void;
  fft(re: number, im: number, twiddles: number, n: number): void;
  separate(
    re: number,
    im: number,
    n: number,
    first: number,
    firstIm: number,
    firstNext: number,
    second: number,
    secondIm: number,
    secondNext: number,
  ): void;
  cross(f: number, g: number, ends: number, count: number, rows: number, columns: number, out: number): void;
  count1(a: number, s: number, n: number, table: number): void;
  count4(a: number, s: number, n: number, table: number): void;
  tails(
    a: number,
    s: number,
    n: number,
    h: number,
    own: number,
    rows: number,
    counts: number,
    rowCounts: number,
    outs: number,
    rowOuts: number,
  ): void;
}

let module: WebAssembly.Module | undefined;

/** A piece of WebAssembly memory with the kernels over it. Memory that was never written costs nothing. */
export class Arena {
  readonly kernels: Kernels;
  readonly buffer: ArrayBuffer;

  /** @param sizes bytes of each piece; `offsets` says where they lie (multiples of 64) */
  constructor(
    sizes: readonly number[],
    readonly offsets: number[] = [],
  ) {
    let at = 0;
    for (const size of sizes) {
      offsets.push(at);
      at += Math.ceil(size / 64) * 64;
    }
    if (at > 2 ** 32 - 65536)
      throw new ValetError(
        'statistics',
        `chunks of this length and width need tables of ${(at / 2 ** 30).toFixed(1)} GB (expected less than 4).`,
      );
    const pages = Math.max(1, Math.ceil(at / 65536));
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    module ??= new WebAssembly.Module(Buffer.from(KERNEL_BASE64, 'base64'));
    this.kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
    this.buffer = memory.buffer;
  }

  float64(at: number, length: number): Float64Array {
    return new Float64Array(this.buffer, at, length);
  }

  float32(at: number, length: number): Float32Array {
    return new Float32Array(this.buffer, at, length);
  }

  int32(at: number, length: number): Int32Array {
    return new Int32Array(this.buffer, at, length);
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.buffer, at, length);
  }
}

/** What exact sums stand for: [high, high, low, low] for every two numbers, carried. */
export function exactValues(words: BigInt64Array): Float64Array {
  const out = new Float64Array(words.length / 2);
  for (let i = 0; i < out.length; i++) {
    const at = (i >> 1) * 4 + (i & 1);
    out[i] = Number(words[at]!) * 2 ** -4 + Number(words[at + 2]!) * 2 ** -55;
  }
  return out;
}
