import { ValetError } from '../../base/index.ts';
import { type StatisticsKernels, statisticsKernels } from '../../kernels/index.ts';

/** A piece of WebAssembly memory with the kernels over it. Memory that was never written costs nothing. */
export class Arena {
  readonly kernels: StatisticsKernels;
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
    this.kernels = statisticsKernels(memory);
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
