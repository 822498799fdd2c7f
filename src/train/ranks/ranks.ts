import { availableParallelism, cpus } from 'node:os';
import { InputError, isEndOfRanks, machineMemory, WorkerClient } from '../../base/index.ts';
import { type Joined, type JoinOptions, numberOf } from './join.ts';

/** Tells what went wrong. @returns the exit code for it */
export type Tell = (error: unknown, where: string) => number;

/** One rank of several, on its main thread. `client` is the thread that computes and communicates. */
export class Ranks {
  private agreed = false;

  private constructor(
    readonly client: WorkerClient,
    private readonly joined: Joined,
  ) {}

  /** Joins the other ranks. @throws InputError when there is no MPI library, or not the launcher's */
  static async join(options: JoinOptions): Promise<Ranks> {
    const client = WorkerClient.start('train/trainer.worker');
    try {
      return new Ranks(client, await client.call<Joined>('join', options));
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  get rank(): number {
    return this.joined.rank;
  }

  get size(): number {
    return this.joined.size;
  }

  /** Threads of a rank, when nobody says how many: the processors that it may use, shared with those that may too. */
  get threads(): number {
    return Math.max(1, Math.floor(availableParallelism() / this.joined.sharing));
  }

  /** Bytes of memory that a rank may take. */
  get memory(): number {
    return machineMemory().usable / this.joined.here;
  }

  /** Who trains together, for the log. */
  words(threads: number): string {
    const { size, by, here } = this.joined;
    const used = threads * here;
    const bound = availableParallelism() < cpus().length && used < cpus().length / 2;
    const advice = bound ? `; ${used} of ${cpus().length} processors are used: mpirun --bind-to none gives all` : '';
    return `${size} ranks (${by}), threads of each: ${threads}${advice}`;
  }

  /** The samples of one rank. @throws InputError when they cannot be shared equally */
  share(batch: number): number {
    if (batch % this.size === 0) return batch / this.size;
    throw new InputError(
      'batch',
      `${batch} samples cannot be shared equally by ${this.size} ranks. Take another number of ranks, or ` +
        `--set batch=${Math.ceil(batch / this.size) * this.size}.`,
    );
  }

  /**
   * All ranks have read what they need, and are about to train the same: nothing was written before.
   * @throws InputError when one of them sees something else; ValetError when one of them has failed, and says so
   */
  async agree(what: unknown): Promise<void> {
    const number = numberOf(JSON.stringify(what));
    await this.meet(false);
    const [first, ...others] = await this.client.call<number[]>('everyones', number);
    this.agreed = true;
    const odd = others.findIndex((other) => other !== first);
    if (odd >= 0 && this.rank > 0) await this.wait();
    if (odd >= 0)
      throw new InputError(
        'ranks',
        `rank ${odd + 1} sees another configuration, other data or another checkpoint than rank 0. All ranks need ` +
          'the same options and folders: use a disk that they share.',
      );
  }

  /** The last call of a run that went well. */
  async end(): Promise<void> {
    await this.client.call('end');
    await this.client.close();
  }

  /**
   * Something went wrong here: it is told once, and all ranks end. Errors that all of them have (a wrong option) are
   * told by the first of those. Under MPI this process ends too.
   */
  async fail(error: unknown, tell: Tell): Promise<void> {
    try {
      if (isEndOfRanks(error)) return;
      if (!this.agreed) await this.meet(true);
      const code = tell(error, this.rank === 0 ? '' : `rank ${this.rank}: `);
      await this.client.call('abort', code);
    } catch (other) {
      if (!isEndOfRanks(other)) throw other;
    } finally {
      await this.client.close();
    }
  }

  /** All ranks come here, those that failed too. Only the first of the failed goes on; without one, all do. */
  private async meet(failed: boolean): Promise<void> {
    const first = (await this.client.call<number[]>('everyones', failed ? 1 : 0)).indexOf(1);
    if (first >= 0 && first !== this.rank) await this.wait();
  }

  /** Waits for the end that another rank brings. */
  private async wait(): Promise<void> {
    await this.client.call('barrier');
  }
}
