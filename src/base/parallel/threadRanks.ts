import { ValetError } from '../errors.ts';
import type { Communicator } from './communicator.ts';

/** What the threads share; it can be sent to a worker. */
export interface SharedRanks {
  readonly size: number;
  /** Counters of the barrier (`Counter`). */
  readonly counters: SharedArrayBuffer;
  /** `PIECE_BYTES` for each rank: what it gives to the others. */
  readonly pieces: SharedArrayBuffer;
}

const ENDED = 'another rank has ended them all.';

/** Whether an error says that another rank has ended them all, and nothing else. */
export const isEndOfRanks = (error: unknown): boolean =>
  error instanceof ValetError && error.message === `ranks: ${ENDED}`;

const PIECE_BYTES = 1 << 16;
/** Places among the counters: how many have come to the barrier, how often it has opened, whether all is over. */
const Counter = { come: 0, opened: 1, aborted: 2 } as const;

/** Memory for `size` ranks that are threads of this process. */
export function sharedRanks(size: number): SharedRanks {
  return {
    size,
    counters: new SharedArrayBuffer(4 * Object.keys(Counter).length),
    pieces: new SharedArrayBuffer(size * PIECE_BYTES),
  };
}

/**
 * Ranks that are threads of one process. Each writes a piece to shared memory, waits for the others and reads theirs.
 * Sums are taken in the order of the ranks.
 */
export class ThreadRanks implements Communicator {
  readonly size: number;
  private readonly counters: Int32Array;

  constructor(
    private readonly shared: SharedRanks,
    readonly rank: number,
  ) {
    this.size = shared.size;
    this.counters = new Int32Array(shared.counters);
  }

  allReduce(values: Float32Array | Float64Array): void {
    this.inPieces(values, 0, values.length, (pieces, from, count) => {
      for (let i = 0; i < count; i++) values[from + i] = sumAt(pieces, i);
    });
  }

  reduceScatter(whole: Float32Array, own: Float32Array): void {
    requirePieces(whole, own.length * this.size);
    for (let r = 0; r < this.size; r++)
      this.inPieces(whole, r * own.length, (r + 1) * own.length, (pieces, from, count) => {
        if (r === this.rank) for (let i = 0; i < count; i++) own[from + i - r * own.length] = sumAt(pieces, i);
      });
  }

  allGather(whole: Float32Array): void {
    const n = whole.length / this.size;
    this.inPieces(whole, this.rank * n, (this.rank + 1) * n, (pieces, from, count) => {
      const at = from - this.rank * n;
      pieces.forEach((piece, r) => {
        whole.set(piece.subarray(0, count), r * n + at);
      });
    });
  }

  gather(own: Float32Array, whole: Float32Array | null): void {
    if (whole) requirePieces(whole, own.length * this.size);
    this.inPieces(own, 0, own.length, (pieces, from, count) => {
      pieces.forEach((piece, r) => {
        whole?.set(piece.subarray(0, count), r * own.length + from);
      });
    });
  }

  broadcast(values: Float64Array | Uint8Array): void {
    this.inPieces(values, 0, values.length, ([first], from, count) => {
      if (first && this.rank > 0) values.set(first.subarray(0, count), from);
    });
  }

  barrier(): void {
    const { counters } = this;
    this.requireAlive();
    const opened = Atomics.load(counters, Counter.opened);
    if (Atomics.add(counters, Counter.come, 1) + 1 < this.size)
      while (Atomics.load(counters, Counter.opened) === opened) Atomics.wait(counters, Counter.opened, opened);
    else {
      Atomics.store(counters, Counter.come, 0);
      this.open();
    }
    this.requireAlive();
  }

  abort(code: number): void {
    Atomics.store(this.counters, Counter.aborted, code || 1);
    this.open();
  }

  close(): void {
    // The memory goes with the last thread that has it.
  }

  private open(): void {
    Atomics.add(this.counters, Counter.opened, 1);
    Atomics.notify(this.counters, Counter.opened);
  }

  private requireAlive(): void {
    if (Atomics.load(this.counters, Counter.aborted) !== 0) throw new ValetError('ranks', ENDED);
  }

  /** Gives `values` from…to to all ranks, piece by piece; `use` gets each rank's. */
  private inPieces<A extends Float32Array | Float64Array | Uint8Array>(
    values: A,
    from: number,
    to: number,
    use: (pieces: readonly A[], from: number, count: number) => void,
  ): void {
    const { pieces } = this.shared;
    const each = PIECE_BYTES / values.BYTES_PER_ELEMENT;
    const Kind = values.constructor as new (buffer: SharedArrayBuffer, offset: number, length: number) => A;
    const all = Array.from({ length: this.size }, (_, r) => new Kind(pieces, r * PIECE_BYTES, each));
    for (let at = from; at < to; at += each) {
      const count = Math.min(each, to - at);
      all[this.rank]?.set(values.subarray(at, at + count));
      this.barrier();
      use(all, at, count);
      this.barrier();
    }
  }
}

function sumAt(pieces: readonly (Float32Array | Float64Array)[], i: number): number {
  let sum = 0;
  for (const piece of pieces) sum += piece[i] as number;
  return sum;
}

function requirePieces(whole: Float32Array, length: number): void {
  if (whole.length !== length)
    throw new ValetError('ranks', `an array has ${whole.length} numbers (expected ${length}, a piece for each rank).`);
}
