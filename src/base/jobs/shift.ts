import type { Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { failed, type JobData, type JobOutcome, OVER, PREFIX } from './messages.ts';
import { type SeenRun, standing } from './runs.ts';
import type { JobSession } from './session.ts';
import { pause, unlessAborted } from './wait.ts';

/** Between two looks at whether the run goes on. */
const LOOK_MS = 1000;
/** A run whose announcement is gone without a word is over so much later: Redis may have come back empty. */
const GRACE_MS = 15_000;
/** A run that has had no job for so long is left; going back to it takes a while. */
const REST_MS = 5000;
/** A job whose worker has not been heard of for so long goes to another. */
const LOCK_MS = 15_000;
const STALLED_MS = 5000;
/** How long the end waits for jobs that are given back. */
const HAND_BACK_MS = 5000;

export interface ShiftOptions {
  readonly slots: number;
  readonly signal: AbortSignal;
  /** Runs that this machine can work on. */
  readonly seenRuns: () => Promise<SeenRun[]>;
}

/** The time in which a machine works on one run. */
export class Shift {
  private readonly giveUp = new AbortController();
  private readonly active = new Set<Promise<unknown>>();
  private done = 0;
  /** The coordinator has said that the run is over. */
  private over = false;

  constructor(
    private readonly redis: Redis,
    private readonly seen: SeenRun,
    private readonly session: JobSession,
    private readonly options: ShiftOptions,
  ) {}

  /** Works until the run is over, another one needs hands, or the signal. @returns jobs done */
  async work(): Promise<number> {
    const { run } = this.seen.announcement;
    const connection = this.redis.duplicate({ lazyConnect: false });
    connection.on('error', () => {}); // said by the first connection
    const worker = await this.startWorker(connection);
    const running = worker.run().catch(() => {});
    try {
      await this.untilOver();
    } catch (error) {
      if (!this.options.signal.aborted) throw error;
    } finally {
      // Nothing new begins; what is under way goes back into the queue.
      await worker.pause(true);
      this.giveUp.abort();
      await Promise.race([Promise.allSettled(this.active), pause(HAND_BACK_MS)]);
      await worker.close(true).catch(() => {});
      await Promise.race([running, pause(HAND_BACK_MS)]);
      connection.disconnect();
      // BullMQ writes to the queue of a run that its coordinator has removed meanwhile.
      if (this.over) await this.redis.del(['meta', 'stalled-check'].map((key) => `${PREFIX}:${run}:${key}`));
      await this.session.close();
    }
    return this.done;
  }

  private async startWorker(connection: Redis): Promise<Worker<JobData, JobOutcome>> {
    const { Worker } = await import('bullmq');
    const { run } = this.seen.announcement;
    const worker = new Worker<JobData, JobOutcome>(run, (job, token) => this.process(job, token), {
      connection,
      prefix: PREFIX,
      concurrency: this.options.slots,
      autorun: false,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_MS,
      // A job is done in the end, however many workers die of something else.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: LOOK_MS,
      drainDelay: 1,
    });
    worker.on('error', () => {}); // a Redis that is away is said once; a lost job is done by another
    return worker;
  }

  private async untilOver(): Promise<void> {
    const { redis, options, seen } = this;
    const { run } = seen.announcement;
    let [there, busy] = [performance.now(), performance.now()];
    for (;;) {
      await pause(LOOK_MS, options.signal);
      const text = await unlessAborted(standing(redis, run), options.signal);
      if (text === seen.text) there = performance.now();
      else if (text !== null || performance.now() - there > GRACE_MS) {
        this.over = text === OVER;
        return;
      }
      if (this.active.size > 0 || (await this.isNeeded())) busy = performance.now();
      else if (performance.now() - busy > REST_MS) return;
    }
  }

  /** Whether jobs wait here, or may come back from a worker that died while nobody else has some that wait. */
  private async isNeeded(): Promise<boolean> {
    const runs = await this.options.seenRuns();
    const own = runs.find(({ text }) => text === this.seen.text);
    if (!own) return false;
    return own.waiting > 0 || (own.active > 0 && runs.every((run) => run === own || run.waiting === 0));
  }

  private process(job: Job<JobData, JobOutcome>, token: string | undefined): Promise<JobOutcome> {
    const work = this.attempt(job, token);
    this.active.add(work);
    const end = () => this.active.delete(work);
    work.then(end, end);
    return work;
  }

  private async attempt(job: Job<JobData, JobOutcome>, token: string | undefined): Promise<JobOutcome> {
    const { signal } = this.giveUp;
    try {
      const value = await this.session.run(job.data.argument, signal);
      this.done++;
      return { value };
    } catch (error) {
      if (!signal.aborted) return failed(error);
      const { WaitingError } = await import('bullmq');
      await job.moveToWait(token).catch(() => {}); // the run is over, or another has it
      throw new WaitingError();
    }
  }
}
