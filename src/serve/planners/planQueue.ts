import type { PlanRequest, Prediction } from '../../robot/index.ts';
import { NobodyWaitsError } from './caller.ts';
import { BusyError, PlanTooLateError, type Urgency } from './urgentPlanner.ts';

/** A request that has not its plan yet. */
export interface AskedPlan extends Pick<Urgency, 'signal' | 'caller'> {
  readonly request: PlanRequest;
  /** When it entered the queue. */
  readonly at: number;
  /** Passes take the earliest first, so nobody is overtaken for ever. */
  readonly due: number;
  resolve(prediction: Prediction): void;
  reject(error: unknown): void;
}

export interface PlanQueueOptions {
  /** The most requests that may wait; those beyond fail at once. */
  readonly maxWaiting?: number;
  /** So many more, or fewer, wait now. */
  readonly onWaiting?: (change: number) => void;
  /** Somebody who waited, for a plan that has begun or not, has left. */
  readonly onLeft: () => void;
}

/**
 * Requests that wait for a planner, those due first, the oldest of them first. One whose caller has left, or wants it
 * no longer, leaves the queue at once: a caller that comes back asks again, and gets its old place.
 */
export class PlanQueue {
  private readonly waiting: AskedPlan[] = [];

  constructor(private readonly options: PlanQueueOptions) {}

  get size(): number {
    return this.waiting.length;
  }

  /** When the one that has waited longest entered; Infinity when nobody waits. */
  get oldest(): number {
    return this.waiting.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY);
  }

  /**
   * The plan, once somebody has made it. @throws BusyError when too many wait, NobodyWaitsError when the plan is wanted
   * no longer
   */
  enter(request: PlanRequest, { slackMs = 0, signal, caller, since, first = false }: Urgency): Promise<Prediction> {
    const { maxWaiting = Number.POSITIVE_INFINITY } = this.options;
    if (!isWanted({ signal, caller })) return Promise.reject(reasonOf(signal));
    const at = performance.now();
    const due = first ? Number.NEGATIVE_INFINITY : (since ?? at) + slackMs;
    if (this.size >= maxWaiting && !first && !this.giveWay(due)) return Promise.reject(this.busy());
    return new Promise<Prediction>((resolve, reject) => {
      const one = { request, signal, caller, at, due, resolve, reject };
      // Nearly always the last.
      const before = this.waiting.findLastIndex((other) => other.due <= due);
      this.waiting.splice(before + 1, 0, one);
      this.options.onWaiting?.(1);
      this.watch(one);
    });
  }

  /**
   * Refuses the last one that waits if it is due later than `due`, so that whoever has asked for long is not kept out
   * by those who come and go. @returns whether it has
   */
  private giveWay(due: number): boolean {
    const last = this.waiting.at(-1);
    if (!last || last.due <= due) return false;
    const busy = this.busy();
    this.leave(this.size - 1);
    last.reject(busy);
    return true;
  }

  private busy(): BusyError {
    return new BusyError(`${this.size} plans wait already. Try again later.`);
  }

  /** The next `count`, or fewer. */
  take(count: number): AskedPlan[] {
    const taken = this.waiting.splice(0, count);
    this.options.onWaiting?.(-taken.length);
    return taken;
  }

  private leave(index: number): void {
    this.waiting.splice(index, 1);
    this.options.onWaiting?.(-1);
  }

  /** Takes a request out, or tells those who are busy with it, when its caller leaves. */
  private watch(one: AskedPlan): void {
    const { signal, caller, resolve, reject } = one;
    const look = () => {
      if (isWanted(one)) return;
      const index = this.waiting.indexOf(one);
      if (index < 0) return this.options.onLeft();
      this.leave(index);
      one.reject(reasonOf(signal));
    };
    signal?.addEventListener('abort', look);
    const ignore = caller?.listen(look);
    const end = () => {
      signal?.removeEventListener('abort', look);
      ignore?.();
    };
    one.resolve = (prediction) => {
      end();
      resolve(prediction);
    };
    one.reject = (error) => {
      end();
      reject(error);
    };
  }
}

/** Whether somebody waits for it now. */
export const isWanted = ({ signal, caller }: Pick<AskedPlan, 'signal' | 'caller'>): boolean =>
  !signal?.aborted && caller?.isThere !== false;

const reasonOf = (signal: AbortSignal | undefined): Error =>
  signal?.reason instanceof PlanTooLateError ? signal.reason : new NobodyWaitsError();
