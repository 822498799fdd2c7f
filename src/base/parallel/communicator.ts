/**
 * Ranks that compute together: processes under MPI, or threads of one process. Every method but `abort` is collective:
 * all ranks call the same ones in the same order, with arrays of the same lengths. A call blocks its thread until the
 * others have come.
 */
export interface Communicator {
  /** 0 … size - 1. */
  readonly rank: number;
  readonly size: number;
  /** Each number becomes its sum over the ranks, on all of them. */
  allReduce(values: Float32Array | Float64Array): void;
  /** Sums `whole` [size · n] over the ranks; `own` [n] becomes piece `rank` of the sum. `whole` stays as it is. */
  reduceScatter(whole: Float32Array, own: Float32Array): void;
  /** `whole` [size · n] holds the rank's own piece in its place, and then those of all. */
  allGather(whole: Float32Array): void;
  /** The pieces `own` [n] of all ranks one after the other in `whole` [size · n] of rank 0; null on the others. */
  gather(own: Float32Array, whole: Float32Array | null): void;
  /** What rank 0 has, on all ranks. */
  broadcast(values: Float64Array | Uint8Array): void;
  /** Nobody goes on before all have come. */
  barrier(): void;
  /** Ends all ranks at once; under MPI also this process, with the exit code. */
  abort(code: number): void;
  /** Gives everything back; the last call of all ranks. */
  close(): void;
}
