import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { UnreachableError, ValetError } from '../errors.ts';
import { revive } from '../workerMessages.ts';
import {
  ANNOUNCED_SECONDS,
  type Announcement,
  announcementKey,
  OVER,
  OVER_SECONDS,
  PREFIX,
  parseOutcome,
  RUNS,
} from './messages.ts';
import { connectRedis, parseRedisUrl, redisName } from './redis.ts';

/** Between two looks at what is finished. */
const LOOK_MS = 250;
/** Between two renewals of the announcement, each with a look at whether Redis lost a job. */
const RENEW_MS = 5000;
/** Jobs of one message. */
const AT_ONCE = 200;
/** How long a Redis that is away may hold up the end. */
const GOODBYE_MS = 3000;

/** A job that somebody waits for. */
interface Asked {
  readonly argument: unknown;
  sent: boolean;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export interface CoordinatorOptions {
  /** Hears that Redis went away or is back, and whether anybody works. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/**
 * The one who gives out the jobs of a run and gets what they come to. It alone knows what is to be done: a Redis that
 * comes back empty is told everything again, and a job is removed only by `forget`. So a coordinator that is started
 * again with the same run finds what was done without it.
 */
export class JobCoordinator {
  private readonly asked = new Map<string, Asked>();
  private renewed = Number.NEGATIVE_INFINITY;
  private closed = false;
  private wake = () => {};
  private readonly loop: Promise<void>;
  private readonly text: string;
  private idleTold = false;

  private constructor(
    private readonly redis: Redis,
    private readonly queue: Queue,
    private readonly announcement: Announcement,
    private readonly options: CoordinatorOptions & { readonly name: string },
  ) {
    this.text = JSON.stringify(announcement);
    this.loop = this.work();
  }

  /** @throws InputError for an address that is none, UnreachableError when no Redis is there */
  static async open(
    address: string,
    announcement: Announcement,
    options: CoordinatorOptions = {},
  ): Promise<JobCoordinator> {
    const url = parseRedisUrl(address);
    const name = redisName(url);
    let coordinator: JobCoordinator | undefined;
    const redis = await connectRedis(url, 'valet-coordinator', (state) => {
      if (coordinator?.closed) return;
      options.onNotice?.(state === 'away' ? `${name} went away; waiting for it.` : `${name} is back.`);
      // It may have come back empty.
      if (coordinator) coordinator.renewed = Number.NEGATIVE_INFINITY;
    });
    const { Queue } = await import('bullmq');
    const queue = new Queue(announcement.run, { connection: redis, prefix: PREFIX });
    queue.on('error', () => {}); // said by the connection
    coordinator = new JobCoordinator(redis, queue, announcement, { ...options, name });
    return coordinator;
  }

  /**
   * Has a job done by whoever is free. The same id is the same job, whoever asked for it before.
   * @param id letters, digits, `-`, `_` and `.`
   * @returns what the handler returned, as JSON brings it over
   * @throws what the handler threw; ValetError (interrupted) when `signal` ended it, or `close`
   */
  do<T>(id: string, argument: unknown, signal?: AbortSignal): Promise<T> {
    const interrupted = () => new ValetError(`job ${id}`, 'nobody waits for it any more.', 'interrupted');
    if (this.closed || signal?.aborted) return Promise.reject(interrupted());
    return new Promise<T>((resolve, reject) => {
      const giveUp = () => {
        this.asked.delete(id);
        reject(interrupted());
      };
      signal?.addEventListener('abort', giveUp);
      const end = () => {
        this.asked.delete(id);
        signal?.removeEventListener('abort', giveUp);
      };
      this.asked.set(id, {
        argument,
        sent: false,
        resolve: (value) => {
          end();
          resolve(value as T);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      });
      this.wake();
    });
  }

  /** Takes a job out of Redis: what it came to is kept elsewhere now. */
  async forget(id: string): Promise<void> {
    await this.queue.remove(id);
  }

  /** Processes that work on this run. */
  async workers(): Promise<number> {
    return this.queue.getWorkersCount();
  }

  /** Ends the run: workers give up what they do, and nothing of it stays in Redis. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.wake();
    for (const [id, { reject }] of [...this.asked])
      reject(new ValetError(`job ${id}`, 'the run was ended.', 'interrupted'));
    const goodbye = async () => {
      await this.loop;
      const { run } = this.announcement;
      await this.redis.set(announcementKey(run), OVER, 'EX', OVER_SECONDS);
      await this.redis.srem(RUNS, run);
      await this.queue.obliterate({ force: true });
    };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GOODBYE_MS);
    });
    await Promise.race([goodbye(), late]).catch(() => {});
    clearTimeout(timer);
    this.redis.disconnect();
    await this.queue.close().catch(() => {});
  }

  private async work(): Promise<void> {
    while (!this.closed) {
      try {
        await this.look();
      } catch (error) {
        // A Redis that went away within a command; what it refuses for good ends the run.
        const { status } = this.redis;
        if (status === 'ready' && !/connection|ECONN|EPIPE|LOADING/i.test((error as Error).message))
          this.failAll(error);
      }
      if (this.closed) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_MS);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  private failAll(error: unknown): void {
    const { message } = error as Error;
    for (const { reject } of [...this.asked.values()])
      reject(
        new UnreachableError(this.options.name, `it refused a command (${message}).`, 'failure', { cause: error }),
      );
  }

  private async look(): Promise<void> {
    if (performance.now() - this.renewed > RENEW_MS) await this.renew();
    const fresh = [...this.asked].filter(([, { sent }]) => !sent);
    for (let at = 0; at < fresh.length; at += AT_ONCE) {
      const part = fresh.slice(at, at + AT_ONCE);
      // A job that is there already stays as it is, done or not.
      await this.queue.addBulk(
        part.map(([jobId, { argument }]) => ({ name: this.announcement.kind, data: { argument }, opts: { jobId } })),
      );
      for (const [, one] of part) one.sent = true;
    }
    for (const state of ['completed', 'failed'] as const)
      for (const text of await this.redis.zrange(`${PREFIX}:${this.announcement.run}:${state}`, '0', '-1')) {
        const id = String(text);
        const one = this.asked.get(id);
        if (one) await this.settle(id, one);
      }
  }

  private async settle(id: string, { resolve, reject }: Asked): Promise<void> {
    const job = await this.queue.getJob(id);
    if (!job?.finishedOn) return; // gone meanwhile: the next renewal sees it
    if (job.failedReason) return reject(new ValetError(`job ${id}`, job.failedReason));
    try {
      const outcome = parseOutcome(id, job.returnvalue);
      if ('error' in outcome) reject(revive(outcome.error));
      else resolve(outcome.value);
    } catch (error) {
      reject(error as Error);
    }
  }

  /** Announces the run again, and finds jobs that Redis has lost. */
  private async renew(): Promise<void> {
    const { run } = this.announcement;
    await this.redis.set(announcementKey(run), this.text, 'EX', ANNOUNCED_SECONDS);
    await this.redis.sadd(RUNS, run);
    const sent = [...this.asked].filter(([, one]) => one.sent);
    const there = await Promise.all(sent.map(([id]) => this.redis.exists(`${PREFIX}:${run}:${id}`)));
    for (const [i, [, one]] of sent.entries()) if (there[i] === 0) one.sent = false;
    this.renewed = performance.now();
    await this.tellIdle(sent.length);
  }

  private async tellIdle(waiting: number): Promise<void> {
    if (waiting === 0 || this.idleTold || (await this.workers()) > 0) return;
    this.idleTold = true;
    const { name, onNotice } = this.options;
    onNotice?.(`nobody works for ${name} yet. On each machine that shall, start: valet worker ${name}`);
  }
}
