import { ValetError } from '../../base/index.ts';
import type { Planner, PlanRequest, Prediction, Robot } from '../../robot/index.ts';

/** A planner that may die with its worker. */
export interface MortalPlanner extends Planner {
  readonly isDead: boolean;
  /** Settles when it is dead. */
  readonly died: Promise<void>;
  /** Ends it at once, whatever it does. */
  kill(): Promise<void>;
}

export interface SupervisionOptions {
  /** A pass that takes longer is given up and its worker ended. */
  readonly planTimeoutMs?: number;
  /** How often the requests of a worker that died are given to the next one. */
  readonly retries?: number;
  readonly onRestart?: (why: 'died' | 'too slow') => void;
  readonly onFailedRestart?: (error: Error) => void;
  /** Waiting times between failed attempts to start a worker; the last one repeats. */
  readonly backoffMs?: readonly number[];
}

const BACKOFF_MS = [100, 500, 2_000, 10_000];

/** Keeps a planner alive: when its worker dies, a new one is started and gets the same requests again. */
export class SupervisedPlanner implements Planner {
  readonly imageSize: number;
  readonly robot: Robot;
  private current: Promise<MortalPlanner>;
  private up = true;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    first: MortalPlanner,
    private readonly start: () => Promise<MortalPlanner>,
    private readonly options: SupervisionOptions,
  ) {
    this.imageSize = first.imageSize;
    this.robot = first.robot;
    this.current = Promise.resolve(first);
    this.watch(first);
  }

  static async start(
    start: () => Promise<MortalPlanner>,
    options: SupervisionOptions = {},
  ): Promise<SupervisedPlanner> {
    return new SupervisedPlanner(await start(), start, options);
  }

  /** Whether a worker stands ready. */
  get isUp(): boolean {
    return this.up;
  }

  async plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    const { retries = 1 } = this.options;
    for (let attempt = 0; ; attempt++) {
      const planner = await this.current.catch((error: Error) => {
        throw new ValetError('plan', `no worker can be started (${error.message})`, 'failure', { cause: error });
      });
      try {
        return await this.inTime(planner, requests);
      } catch (error) {
        if (this.closed || !planner.isDead || attempt >= retries || error instanceof TooSlow) throw error;
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

  private async inTime(planner: MortalPlanner, requests: readonly PlanRequest[]): Promise<Prediction[]> {
    const { planTimeoutMs } = this.options;
    if (planTimeoutMs === undefined) return planner.plan(requests);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.replace(planner, 'too slow');
        void planner.kill();
        reject(new TooSlow('plan', `took longer than ${planTimeoutMs} ms; its worker was ended.`));
      }, planTimeoutMs);
    });
    try {
      return await Promise.race([planner.plan(requests), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private watch(planner: MortalPlanner): void {
    this.alive = planner;
    void planner.died.then(() => this.replace(planner, 'died'));
  }

  private alive: MortalPlanner | undefined;

  private replace(dead: MortalPlanner, why: 'died' | 'too slow'): void {
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

class TooSlow extends ValetError {}
