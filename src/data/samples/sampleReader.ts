import { present, type WorkerClient } from '../../base/index.ts';
import type { ReadRequest, ReadSamples } from './decode.worker.ts';
import type { PreparedSamples } from './prepareSamples.ts';
import { emptyBatch, type RawBatch } from './rawBatch.ts';
import { type ReadJob, readJobs } from './readJobs.ts';

/** A batch under way: how many of its samples are still to come. */
interface Pending {
  readonly batch: RawBatch;
  left: number;
  readonly resolve: (batch: RawBatch) => void;
  readonly reject: (error: unknown) => void;
}

interface QueuedJob {
  readonly job: ReadJob;
  readonly pending: readonly Pending[];
  readonly pictures: boolean;
}

/** Has batches read by worker threads, in the order in which they were asked for. */
export class SampleReader {
  private readonly queue: QueuedJob[] = [];
  private readonly idle: WorkerClient[];

  constructor(
    private readonly prepared: PreparedSamples,
    private readonly taskInfoSize: number,
    clients: readonly WorkerClient[],
    private readonly notKept: (why: string) => void,
  ) {
    this.idle = [...clients];
  }

  /**
   * @param batches places of samples in the plan
   * @returns a promise for each batch; it rejects with an InputError when a file that it needs is bad
   */
  read(batches: readonly ArrayLike<number>[], pictures: boolean): Promise<RawBatch>[] {
    const { robot, horizon, sampleBytes, plan } = this.prepared;
    const { taskInfoSize } = this;
    const pending: Pending[] = [];
    const promises = batches.map(({ length: size }) => {
      const batch = emptyBatch({
        ...{ size, horizon, taskInfoSize },
        ...{ width: robot.width, sampleBytes: pictures ? sampleBytes : 0 },
      });
      const promise = new Promise<RawBatch>((resolve, reject) => pending.push({ batch, left: size, resolve, reject }));
      promise.catch(() => undefined); // nobody may wait for it yet
      return promise;
    });
    for (const one of pending) if (one.left === 0) one.resolve(one.batch);
    this.queue.push(...readJobs(batches, plan.episodes).map((job) => ({ job, pending, pictures })));
    this.work();
    return promises;
  }

  private work(): void {
    while (this.idle.length > 0 && this.queue.length > 0) {
      const client = present(this.idle.pop(), 'client');
      const next = present(this.queue.shift(), 'job');
      void this.run(client, next).finally(() => {
        this.idle.push(client);
        this.work();
      });
    }
  }

  private async run(client: WorkerClient, { job, pending, pictures }: QueuedJob): Promise<void> {
    const { dataset, episode, starts } = job.planned;
    const batches = job.targets.flat().map((target) => present(pending[target.batch], 'batch'));
    try {
      const { horizon } = this.prepared;
      const request: ReadRequest = { dataset, episode, frames: job.frames, starts, horizon, pictures };
      const read = await client.call<ReadSamples>('read', request);
      if (read.notKept !== undefined) this.notKept(read.notKept);
      this.place(job, read, pending);
    } catch (error) {
      for (const batch of batches) batch.reject(error);
    }
  }

  /** Copies what was read to where it belongs. */
  private place({ planned, frames, targets }: ReadJob, read: ReadSamples, pending: readonly Pending[]): void {
    const { robot, horizon } = this.prepared;
    const { width } = robot;
    const { taskInfoSize: k } = this;
    const count = frames.length;
    const rows = (from: Float32Array | Uint8Array, i: number) =>
      from.subarray((i * from.length) / count, ((i + 1) * from.length) / count);
    for (let i = 0; i < count; i++)
      for (const { batch: number, place: b } of targets[i] ?? []) {
        const one = present(pending[number], 'batch');
        const { batch } = one;
        batch.pictures.set(rows(read.pictures, i) as Uint8Array, b * (read.pictures.length / count));
        batch.state.set(rows(read.state, i), b * width);
        batch.actions.set(rows(read.actions, i), b * horizon * width);
        batch.taskInfo.set(rows(read.taskInfo, i), b * k);
        batch.taskId[b] = planned.episode.taskIndex;
        batch.stage[b] = present(read.stage[i], 'stage');
        batch.source.folder[b] = planned.dataset;
        batch.source.episode[b] = planned.episode.index;
        batch.source.frame[b] = present(frames[i], 'frame');
        if (--one.left === 0) one.resolve(batch);
      }
  }
}
