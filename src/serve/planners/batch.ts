import { ValetError } from '../../base/index.ts';
import type { Planner, PlanRequest, Prediction, Robot } from '../../robot/index.ts';

/** How soon a plan is needed, and whether it still is. */
export interface Urgency {
  /** The robot can go on without it for so long; it is put behind plans that robots wait for, but never for longer than this. */
  readonly slackMs?: number;
  /** Nobody waits for the plan any more: it is taken out of the queue, and fails, if it has not begun. */
  readonly signal?: AbortSignal;
}

/** A planner that can be told what is urgent; every `Planner` is one that does not listen. */
export interface UrgentPlanner extends Planner {
  plan(requests: readonly PlanRequest[], urgency?: Urgency): Promise<Prediction[]>;
}

export interface BatchingOptions {
  /** The most requests of one pass. */
  readonly size: number;
  /** How long a request may wait for company while fewer than `expected` wait. */
  readonly waitMs?: number;
  /** How many robots may ask for a plan at all; a request does not wait for company that cannot come. */
  readonly expected?: () => number;
  /** The most requests that may wait; those beyond fail at once. */
  readonly maxWaiting?: number;
  readonly onPass?: (pass: { readonly size: number; readonly waitedMs: readonly number[] }) => void;
  /** So many more, or fewer, wait now. */
  readonly onWaiting?: (change: number) => void;
}

interface Waiting {
  readonly request: PlanRequest;
  readonly since: number;
  /** Passes take the earliest first, so nobody is overtaken for ever. */
  readonly due: number;
  readonly resolve: (prediction: Prediction) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A queue in front of one or several planners (copies of the same network): each planner that is free takes up to `size` of the requests that wait,
 * those due first, the oldest of them first. When a shared pass fails, each of its requests is tried alone, so that one robot's bad request is no
 * other robot's failure.
 */
export class BatchingPlanner implements UrgentPlanner {
  private readonly waiting: Waiting[] = [];
  private readonly free: Planner[];
  private timer: NodeJS.Timeout | undefined;
  private readonly planners: readonly Planner[];
  private readonly options: BatchingOptions;

  constructor(planners: Planner | readonly Planner[], options: BatchingOptions | number) {
    this.planners = Array.isArray(planners) ? (planners as readonly Planner[]) : [planners as Planner];
    this.options = typeof options === 'number' ? { size: options } : options;
    this.free = [...this.planners];
  }

  get robot(): Robot {
    return this.planners[0]!.robot;
  }

  get imageSize(): number {
    return this.planners[0]!.imageSize;
  }

  async plan(requests: readonly PlanRequest[], urgency: Urgency = {}): Promise<Prediction[]> {
    const predictions = requests.map((request) => this.enter(request, urgency));
    this.serve();
    return Promise.all(predictions);
  }

  /** Fails what waits, and closes the planners when they have finished. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    const left = this.waiting.splice(0);
    this.options.onWaiting?.(-left.length);
    for (const { reject } of left) reject(new ValetError('plan', 'the planner was closed.'));
    await Promise.all(this.planners.map((planner) => planner.close()));
  }

  private enter(request: PlanRequest, { slackMs = 0, signal }: Urgency): Promise<Prediction> {
    const { maxWaiting = Number.POSITIVE_INFINITY, onWaiting } = this.options;
    if (this.waiting.length >= maxWaiting)
      return Promise.reject(new BusyError(`${this.waiting.length} plans wait already. Try again later.`));
    return new Promise<Prediction>((resolve, reject) => {
      const since = performance.now();
      const due = since + slackMs;
      const one = { request, since, due, resolve, reject };
      // In order of `due`; nearly always the last.
      let at = this.waiting.length;
      while (at > 0 && this.waiting[at - 1]!.due > due) at--;
      this.waiting.splice(at, 0, one);
      onWaiting?.(1);
      signal?.addEventListener(
        'abort',
        () => {
          const index = this.waiting.indexOf(one);
          if (index < 0) return;
          this.waiting.splice(index, 1);
          onWaiting?.(-1);
          reject(new ValetError('plan', 'nobody waits for it any more.'));
        },
        { once: true },
      );
    });
  }

  /** Gives work to every planner that is free. */
  private serve(): void {
    const { size, waitMs = 0, expected, onPass, onWaiting } = this.options;
    while (this.free.length > 0 && this.waiting.length > 0) {
      const company = Math.min(size, expected?.() ?? size);
      if (waitMs > 0 && this.waiting.length < company) {
        const oldest = this.waiting.reduce((first, { since }) => Math.min(first, since), Number.POSITIVE_INFINITY);
        const left = oldest + waitMs - performance.now();
        if (left > 0) {
          clearTimeout(this.timer);
          this.timer = setTimeout(() => this.serve(), Math.ceil(left));
          return;
        }
      }
      const planner = this.free.shift()!;
      const batch = this.waiting.splice(0, size);
      onWaiting?.(-batch.length);
      if (onPass) {
        const now = performance.now();
        onPass({ size: batch.length, waitedMs: batch.map(({ since }) => now - since) });
      }
      void pass(planner, batch).then(() => {
        this.free.push(planner);
        this.serve();
      });
    }
  }
}

async function pass(planner: Planner, batch: readonly Waiting[]): Promise<void> {
  try {
    const predictions = await planner.plan(batch.map(({ request }) => request));
    for (const [i, { resolve }] of batch.entries()) resolve(predictions[i]!);
  } catch (error) {
    if (batch.length === 1) batch[0]!.reject(error);
    else for (const one of batch) await pass(planner, [one]);
  }
}

/** More asked for than can be had now; the client may try again. */
export class BusyError extends ValetError {
  override name = 'BusyError';
  constructor(what: string) {
    super('server', what);
  }
}
