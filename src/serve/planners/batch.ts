import { InputError, ValetError } from '../../base/index.ts';
import type { PlanRequest, Prediction, Robot } from '../../robot/index.ts';
import { BusyError, PlanTooLateError, type Urgency, type UrgentPlanner } from './urgentPlanner.ts';

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
  readonly signal: AbortSignal | undefined;
  readonly since: number;
  /** Passes take the earliest first, so nobody is overtaken for ever. */
  readonly due: number;
  readonly resolve: (prediction: Prediction) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A queue in front of one or several planners (copies of the same network): each planner that is free takes up to
 * `size` of the requests that wait, those due first, the oldest of them first. When a shared pass fails, each of its
 * requests is tried alone, so that one robot's bad request is no other robot's failure.
 */
export class BatchingPlanner implements UrgentPlanner {
  private readonly waiting: Waiting[] = [];
  private readonly free: UrgentPlanner[];
  private timer: NodeJS.Timeout | undefined;
  private readonly planners: readonly UrgentPlanner[];
  private readonly options: BatchingOptions;
  readonly robot: Robot;
  readonly imageSize: number;

  /** @throws InputError without a planner */
  constructor(planners: UrgentPlanner | readonly UrgentPlanner[], options: BatchingOptions | number) {
    this.planners = Array.isArray(planners) ? (planners as readonly UrgentPlanner[]) : [planners as UrgentPlanner];
    this.options = typeof options === 'number' ? { size: options } : options;
    this.free = [...this.planners];
    const [first] = this.planners;
    if (!first) throw new InputError('planners', 'needs at least one planner.');
    this.robot = first.robot;
    this.imageSize = first.imageSize;
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
      const one = { request, signal, since, due, resolve, reject };
      // In order of `due`; nearly always the last.
      const before = this.waiting.findLastIndex((other) => other.due <= due);
      this.waiting.splice(before + 1, 0, one);
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
    for (let [planner] = this.free; planner && this.waiting.length > 0; [planner] = this.free) {
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
      const free = planner;
      this.free.shift();
      const batch = this.waiting.splice(0, size);
      onWaiting?.(-batch.length);
      if (onPass) {
        const now = performance.now();
        onPass({ size: batch.length, waitedMs: batch.map(({ since }) => now - since) });
      }
      void pass(free, batch).then(() => {
        this.free.push(free);
        this.serve();
      });
    }
  }
}

async function pass(planner: UrgentPlanner, batch: readonly Waiting[]): Promise<void> {
  const signal = allGone(batch);
  try {
    const predictions = await planner.plan(
      batch.map(({ request }) => request),
      signal && { signal },
    );
    for (const [i, { resolve, reject }] of batch.entries()) {
      const prediction = predictions[i];
      if (prediction) resolve(prediction);
      else reject(new ValetError('plan', `the planner gave ${predictions.length} for ${batch.length} requests.`));
    }
  } catch (error) {
    const [alone, ...others] = batch;
    if (others.length === 0) alone?.reject(error);
    else if (signal?.aborted) for (const { reject } of batch) reject(error);
    else for (const one of batch) await pass(planner, [one]);
  }
}

/** Aborts when nobody waits for the pass any more; says that a plan came too late if one of them did. */
function allGone(batch: readonly Waiting[]): AbortSignal | undefined {
  const signals = batch.flatMap(({ signal }) => signal ?? []);
  if (signals.length < batch.length) return undefined;
  const gone = new AbortController();
  const look = () => {
    if (!signals.every(({ aborted }) => aborted)) return;
    const late = signals.find(({ reason }) => reason instanceof PlanTooLateError);
    gone.abort((late ?? signals[0])?.reason);
  };
  for (const signal of signals) signal.addEventListener('abort', look, { once: true });
  return gone.signal;
}
