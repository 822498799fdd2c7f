import { InputError, ValetError } from '../../base/index.ts';
import type { PlanRequest, Prediction, Robot } from '../../robot/index.ts';
import { NobodyWaitsError } from './caller.ts';
import { type AskedPlan, isWanted, PlanQueue } from './planQueue.ts';
import { PlanTooLateError, type Urgency, type UrgentPlanner } from './urgentPlanner.ts';

export interface BatchingOptions {
  /** The most requests of one pass. */
  readonly size: number;
  /** How long a request may wait for company while fewer than `expected` wait; Infinity: until they do. */
  readonly waitMs?: number;
  /** How many robots may ask for a plan at all; a request does not wait for company that cannot come. */
  readonly expected?: () => number;
  /** The most requests that may wait; those beyond fail at once. */
  readonly maxWaiting?: number;
  readonly onPass?: (pass: { readonly size: number; readonly waitedMs: readonly number[] }) => void;
  /** So many more, or fewer, wait now. */
  readonly onWaiting?: (change: number) => void;
}

/** Requests that share a pass of one planner. */
interface Pass {
  readonly batch: readonly AskedPlan[];
  readonly abort: AbortController;
}

/**
 * A queue in front of one or several planners (copies of the same network): each planner that is free takes up to
 * `size` of the requests that wait, those due first, the oldest of them first. When a shared pass fails, each of its
 * requests is tried alone, so that one robot's bad request is no other robot's failure.
 */
export class BatchingPlanner implements UrgentPlanner {
  private readonly queue: PlanQueue;
  private readonly passes = new Set<Pass>();
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
    const { maxWaiting, onWaiting } = this.options;
    this.queue = new PlanQueue({
      ...(maxWaiting !== undefined && { maxWaiting }),
      ...(onWaiting && { onWaiting }),
      onLeft: () => this.endUnwanted(),
    });
    const [first] = this.planners;
    if (!first) throw new InputError('planners', 'needs at least one planner.');
    this.robot = first.robot;
    this.imageSize = first.imageSize;
  }

  async plan(requests: readonly PlanRequest[], urgency: Urgency = {}): Promise<Prediction[]> {
    const predictions = requests.map((request) => this.queue.enter(request, urgency));
    this.serve();
    this.endUnwanted();
    return Promise.all(predictions);
  }

  /** `expected` says another number: whoever waits for others may not have to any more. */
  companyChanged(): void {
    this.serve();
  }

  /** Fails what waits, and closes the planners when they have finished. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    for (const { reject } of this.queue.take(this.queue.size))
      reject(new ValetError('plan', 'the planner was closed.'));
    await Promise.all(this.planners.map((planner) => planner.close()));
  }

  /** Gives work to every planner that is free. */
  private serve(): void {
    const { queue } = this;
    const { size, waitMs = 0, expected, onPass } = this.options;
    for (let [planner] = this.free; planner && queue.size > 0; [planner] = this.free) {
      const company = Math.min(size, expected?.() ?? size);
      if (waitMs > 0 && queue.size < company) {
        const left = queue.oldest + waitMs - performance.now();
        if (left > 0) {
          clearTimeout(this.timer);
          if (left < Number.POSITIVE_INFINITY) this.timer = setTimeout(() => this.serve(), Math.ceil(left));
          return;
        }
      }
      const free = planner;
      this.free.shift();
      const batch = queue.take(size);
      if (onPass) {
        const now = performance.now();
        onPass({ size: batch.length, waitedMs: batch.map(({ at }) => now - at) });
      }
      const pass = { batch, abort: new AbortController() };
      this.passes.add(pass);
      void run(free, pass).then(() => {
        this.passes.delete(pass);
        this.free.push(free);
        this.serve();
      });
    }
  }

  /**
   * Gives up passes that nobody will come back for, and those whose callers are all away while others wait: as many as
   * the others need.
   */
  private endUnwanted(): void {
    let needed = this.free.length > 0 ? 0 : this.queue.size;
    for (const { batch, abort } of this.passes) {
      if (batch.some(isWanted)) continue;
      if (!batch.every(({ signal }) => signal?.aborted) && needed <= 0) continue;
      needed -= this.options.size;
      // A plan that came too late says so: whoever is still busy with it may hang.
      const late = batch.find(({ signal }) => signal?.reason instanceof PlanTooLateError);
      abort.abort(late?.signal?.reason ?? new NobodyWaitsError());
    }
  }
}

async function run(planner: UrgentPlanner, { batch, abort }: Pass): Promise<void> {
  const { signal } = abort;
  try {
    const predictions = await planner.plan(
      batch.map(({ request }) => request),
      { signal },
    );
    for (const [i, { resolve, reject }] of batch.entries()) {
      const prediction = predictions[i];
      if (prediction) resolve(prediction);
      else reject(new ValetError('plan', `the planner gave ${predictions.length} for ${batch.length} requests.`));
    }
  } catch (error) {
    const [alone, ...others] = batch;
    if (others.length === 0) alone?.reject(error);
    else if (signal.aborted) for (const { reject } of batch) reject(error);
    else
      for (const one of batch) {
        if (isWanted(one)) await run(planner, { batch: [one], abort });
        else one.reject(error);
      }
  }
}
