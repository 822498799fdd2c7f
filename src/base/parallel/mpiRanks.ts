import { InputError } from '../errors.ts';
import type { Communicator } from './communicator.ts';
import type { Launch } from './launch.ts';
import { loadMpi, type MpiLibrary } from './mpiLibrary.ts';

/** Only the thread that begins calls MPI. */
const THREAD_FUNNELED = 1;
/** Most numbers of one call: MPI counts them in 32 bits, and libraries add to that. */
const MOST = 1 << 30;

/** The processes that `mpirun` or `srun` has started. All calls come from the thread that opened it. */
export class MpiRanks implements Communicator {
  private constructor(
    private readonly mpi: MpiLibrary,
    readonly rank: number,
    readonly size: number,
  ) {}

  /** @throws InputError when the library is missing, or is not the one of the launcher */
  static async open({ by, size: expected, libraries }: Launch): Promise<MpiRanks> {
    const mpi = await loadMpi(libraries);
    const [provided, rank, size] = [new Int32Array(1), new Int32Array(1), new Int32Array(1)];
    mpi.call('MPI_Init_thread', null, null, THREAD_FUNNELED, provided);
    mpi.call('MPI_Comm_rank', mpi.handles.world, rank);
    mpi.call('MPI_Comm_size', mpi.handles.world, size);
    const ranks = new MpiRanks(mpi, rank[0] ?? 0, size[0] ?? 1);
    if (ranks.size === expected) return ranks;
    ranks.close();
    throw new InputError(
      'MPI',
      `${by} has started ${expected} ranks, and ${mpi.version} sees ${ranks.size}: it is not the library of this ` +
        `${by}. Name the right file: VALET_MPI_LIBRARY=/path/to/libmpi.so`,
    );
  }

  /** The library, as it describes itself. */
  get version(): string {
    return this.mpi.version;
  }

  allReduce(values: Float32Array | Float64Array): void {
    const { mpi } = this;
    const { sum, world } = mpi.handles;
    for (let at = 0; at < values.length; at += MOST) {
      const part = values.subarray(at, at + MOST);
      mpi.call('MPI_Allreduce', mpi.inPlace, part, part.length, this.typeOf(part), sum, world);
    }
  }

  reduceScatter(whole: Float32Array, own: Float32Array): void {
    const { float, sum, world } = this.mpi.handles;
    const counts = new Int32Array(this.size).fill(own.length);
    this.mpi.call('MPI_Reduce_scatter', whole, own, counts, float, sum, world);
  }

  allGather(whole: Float32Array): void {
    const { mpi } = this;
    const { float, world } = mpi.handles;
    const count = whole.length / this.size;
    mpi.call('MPI_Allgather', mpi.inPlace, 0, float, whole, count, float, world);
  }

  gather(own: Float32Array, whole: Float32Array | null): void {
    const { float, world } = this.mpi.handles;
    this.mpi.call('MPI_Gather', own, own.length, float, whole, own.length, float, 0, world);
  }

  broadcast(values: Float64Array | Uint8Array): void {
    this.mpi.call('MPI_Bcast', values, values.length, this.typeOf(values), 0, this.mpi.handles.world);
  }

  barrier(): void {
    this.mpi.call('MPI_Barrier', this.mpi.handles.world);
  }

  abort(code: number): void {
    this.mpi.call('MPI_Abort', this.mpi.handles.world, code);
  }

  close(): void {
    this.mpi.call('MPI_Finalize');
  }

  private typeOf(values: Float32Array | Float64Array | Uint8Array): unknown {
    const { float, double, byte } = this.mpi.handles;
    return values instanceof Float32Array ? float : values instanceof Float64Array ? double : byte;
  }
}
