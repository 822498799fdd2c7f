import { ValetError } from '../../base/index.ts';
import type { Planner, PlanRequest, Prediction, Robot } from '../../robot/index.ts';
import { PlanTooLateError, type Urgency, type UrgentPlanner } from './urgentPlanner.ts';

/** A planner that may die with its worker, and can then be started anew. */
export interface RestartablePlanner extends Planner {
  readonly isDead: boolean;
  /** Settles when it is dead. */
  readonly died: Promise<void>;
  /** Ends it at once, whatever it does. */
  kill(): Promise<void>;
}

export interface SupervisionOptions {
  /** How often the requests of a worker that died are given to the next one. */
  readonly retries?: number;
  readonly onRestart?: (why: 'died' | 'too slow') => void;
  readonly onFailedRestart?: (error: Error) => void;
  /** Waiting times between failed attempts to start a worker; the last one repeats. */
  readonly backoffMs?: readonly number[];
}

const BACKOFF_MS = [100, 500, 2_000, 10_000];

/**
 * Keeps a planner alive: when its worker dies, a new one is started and gets the same requests again. A worker that is
 * still busy when all of its plans have come too late is ended, and another one started.
 */
export class SupervisedPlanner implements UrgentPlanner {
  readonly imageSize: number;
  readonly robot: Robot;
  private current: Promise<RestartablePlanner>;
  private up = true;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    first: RestartablePlanner,
    private readonly start: () => Promise<RestartablePlanner>,
    private readonly options: SupervisionOptions,
  ) {
    this.imageSize = first.imageSize;
    this.robot = first.robot;
    this.current = Promise.resolve(first);
    this.watch(first);
  }

  static async start(
    start: () => Promise<RestartablePlanner>,
    options: SupervisionOptions = {},
  ): Promise<SupervisedPlanner> {
    return new SupervisedPlanner(await start(), start, options);
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
    this.closed = true;
    this.up = false;
    clearTimeout(this.timer);
    await this.current.then(
      (planner) => planner.close(),
      () => undefined,
    );
  }

  /** The plans, or the signal's reason when it says that the worker hangs. */
  private async whileWanted(
    planner: RestartablePlanner,
    requests: readonly PlanRequest[],
    signal: AbortSignal | undefined,
  ): Promise<Prediction[]> {
    if (!signal) return planner.plan(requests);
    signal.throwIfAborted();
    let hangs = (): void => undefined;
    const tooLate = new Promise<never>((_, reject) => {
      hangs = () => {
        if (!(signal.reason instanceof PlanTooLateError)) return;
        this.replace(planner, 'too slow');
        void planner.kill();
        reject(signal.reason);
      };
    });
    signal.addEventListener('abort', hangs);
    try {
      return await Promise.race([planner.plan(requests), tooLate]);
    } finally {
      signal.removeEventListener('abort', hangs);
    }
  }

  private watch(planner: RestartablePlanner): void {
    this.alive = planner;
    void planner.died.then(() => this.replace(planner, 'died'));
  }

  private alive: RestartablePlanner | undefined;

  private replace(dead: RestartablePlanner, why: 'died' | 'too slow'): void {
    if (this.closed || this.alive !== dead) return;
    this.alive = undefined;
    this.up = false;
    this.options.onRestart?.(why);
    this.restart(0);
  }

  private restart(attempt: number): void {
    const { backoffMs = BACKOFF_MS, onFailedRestart } = this.options;
    const starting = this.start();
    this.current = starting;
    starting.then(
      (planner) => {
        if (this.closed) return void planner.close();
        this.up = true;
        this.watch(planner);
      },
      (error: Error) => {
        onFailedRestart?.(error);
        if (this.closed) return;
        const wait = backoffMs[Math.min(attempt, backoffMs.length - 1)] ?? 1000;
        this.timer = setTimeout(() => this.restart(attempt + 1), wait);
        this.timer.unref();
      },
    );
  }
}
