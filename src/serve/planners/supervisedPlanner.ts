import { setTimeout as sleep } from 'node:timers/promises';
import { ValetError } from '../../base/index.ts';
import type { PlanRequest, Prediction, Robot } from '../../robot/index.ts';
import type { Urgency, UrgentPlanner } from './urgentPlanner.ts';

/** A planner that may die with its worker, and can then be started anew. */
export interface RestartablePlanner extends UrgentPlanner {
  readonly isDead: boolean;
  /** Settles when it is dead. */
  readonly died: Promise<void>;
  /** Ends it: what it does fails at once, and it is gone when no native call runs on it. */
  kill(): Promise<void>;
}

/** Starts a planner, or fails when the signal is aborted before it stands. */
export type StartPlanner = (signal: AbortSignal) => Promise<RestartablePlanner>;

export interface SupervisionOptions {
  /** How often the requests of a worker that died are given to the next one. */
  readonly retries?: number;
  readonly onRestart?: (why: 'died' | 'too slow') => void;
  readonly onFailedRestart?: (error: Error) => void;
  /**
   * A worker that is still busy so long after all of its plans were given up hangs: 5,000, and twice its longest pass
   * where that is longer.
   */
  readonly hangMs?: number;
  /** Waiting times between failed attempts to start a worker; the last one repeats. */
  readonly backoffMs?: readonly number[];
  /** So many attempts in a row fail before plans do that wait for the worker; 3 when left out. */
  readonly patience?: number;
}

const BACKOFF_MS = [100, 500, 2_000, 10_000];
const HANG_MS = 5_000;

/** An error that a worker sent keeps its kind, not its class. */
const isOf = (kind: ValetError['kind'], error: unknown): boolean => error instanceof ValetError && error.kind === kind;

/**
 * Keeps a planner alive: when its worker dies, a new one is started and gets the same requests again. A pass that
 * nobody waits for is given up at its next step. A worker that does not come to one is replaced; it ends when its
 * native call is over, and no third one is started before it has.
 */
export class SupervisedPlanner implements UrgentPlanner {
  readonly imageSize: number;
  readonly robot: Robot;
  private current: Promise<RestartablePlanner>;
  private up = true;
  private readonly closing = new AbortController();
  private alive: RestartablePlanner | undefined;
  /** The longest pass so far. */
  private longestMs = 0;
  /** Settles when every worker that was replaced has gone. */
  private ending: Promise<unknown> = Promise.resolve();

  private constructor(
    first: RestartablePlanner,
    private readonly start: StartPlanner,
    private readonly options: SupervisionOptions,
  ) {
    this.imageSize = first.imageSize;
    this.robot = first.robot;
    this.current = Promise.resolve(first);
    this.watch(first);
  }

  /** @param signal gives the start of the first worker up */
  static async start(
    start: StartPlanner,
    options: SupervisionOptions = {},
    signal = new AbortController().signal,
  ): Promise<SupervisedPlanner> {
    return new SupervisedPlanner(await start(signal), start, options);
  }

  private get closed(): boolean {
    return this.closing.signal.aborted;
  }

  /** Whether a worker stands ready. */
  get isUp(): boolean {
    return this.up;
  }

  async plan(requests: readonly PlanRequest[], { signal }: Urgency = {}): Promise<Prediction[]> {
    const { retries = 1 } = this.options;
    for (let attempt = 0; ; attempt++) {
      const planner = await this.current.catch((error: Error) => {
        throw new ValetError('plan', `no worker can be started (${error.message})`, 'failure', { cause: error });
      });
      try {
        return await this.whileWanted(planner, requests, signal);
      } catch (error) {
        if (this.closed || !planner.isDead || attempt >= retries || signal?.aborted) throw error;
        // The watch below may not have heard of the death yet.
        this.replace(planner, 'died');
      }
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.up = false;
    await this.current.then(
      (planner) => planner.close(),
      () => undefined,
    );
    await this.ending;
  }

  /** The plans, or the signal's reason once the worker has given them up, or hangs. */
  private async whileWanted(
    planner: RestartablePlanner,
    requests: readonly PlanRequest[],
    signal: AbortSignal | undefined,
  ): Promise<Prediction[]> {
    const { hangMs = HANG_MS } = this.options;
    const began = performance.now();
    signal?.throwIfAborted();
    let timer: NodeJS.Timeout | undefined;
    let givenUp = (): void => undefined;
    const hangs = new Promise<never>((_, reject) => {
      givenUp = () => {
        timer = setTimeout(
          () => {
            this.replace(planner, 'too slow');
            reject(signal?.reason);
          },
          Math.max(hangMs, 2 * this.longestMs),
        );
      };
    });
    signal?.addEventListener('abort', givenUp);
    try {
      const predictions = await Promise.race([planner.plan(requests, { ...(signal && { signal }) }), hangs]);
      this.longestMs = Math.max(this.longestMs, performance.now() - began);
      return predictions;
    } catch (error) {
      throw signal?.aborted && isOf('interrupted', error) ? signal.reason : error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', givenUp);
    }
  }

  private watch(planner: RestartablePlanner): void {
    this.alive = planner;
    void planner.died.then(() => this.replace(planner, 'died'));
  }

  private replace(dead: RestartablePlanner, why: 'died' | 'too slow'): void {
    if (this.closed || this.alive !== dead) return;
    this.alive = undefined;
    this.up = false;
    this.options.onRestart?.(why);
    const before = this.ending;
    this.ending = Promise.all([before, dead.kill()]);
    this.restart(0, before);
  }

  /** Has another worker, after `failed` attempts; plans wait for it until it stands, or patience ends. */
  private restart(failed: number, after: Promise<unknown>): void {
    const { onFailedRestart, patience = 3 } = this.options;
    let attempts = failed;
    const attempt = async (): Promise<RestartablePlanner> => {
      if (this.closed) throw new ValetError('plan', 'the planner was closed.');
      try {
        return await this.start(this.closing.signal);
      } catch (error) {
        if (this.closed) throw error;
        onFailedRestart?.(error as Error);
        attempts++;
        // What is wrong with the checkpoint will not pass.
        if (attempts >= patience || isOf('input', error)) throw error;
        await this.pause(attempts);
        return attempt();
      }
    };
    const starting = after.then(attempt);
    this.current = starting;
    starting.then(
      (planner) => {
        if (this.closed) return void planner.close();
        this.up = true;
        this.watch(planner);
      },
      async () => {
        await this.pause(attempts);
        if (!this.closed) this.restart(attempts, Promise.resolve());
      },
    );
  }

  /** Waits before the next attempt, as long as suits so many failed ones. */
  private async pause(failed: number): Promise<void> {
    const { backoffMs = BACKOFF_MS } = this.options;
    const ms = backoffMs[Math.min(failed, backoffMs.length) - 1] ?? 1000;
    await sleep(ms, undefined, { ref: false, signal: this.closing.signal }).catch(() => undefined);
  }
}
