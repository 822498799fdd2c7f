import { ValetError } from '../../base/index.ts';
import type { Planner, PlanRequest, Prediction } from '../../robot/index.ts';
import type { Caller } from './caller.ts';

/** How soon a plan is needed, and whether it still is. */
export interface Urgency {
  /**
   * The robot can go on without it for so long; it is put behind plans that robots wait for, but never for longer than
   * this.
   */
  readonly slackMs?: number;
  /**
   * Nobody waits for the plan any more: it is taken out of the queue, and fails, if it has not begun. When the reason
   * is a `PlanTooLateError`, whoever is still busy with it may hang.
   */
  readonly signal?: AbortSignal | undefined;
  /** Who waits for it, and may leave and come back. */
  readonly caller?: Caller | undefined;
  /** Since when, in the time of `performance.now`; it is put before what is asked for later. Now when left out. */
  readonly since?: number | undefined;
  /** Before everything that waits, however much that is. */
  readonly first?: boolean;
}

/** A planner that can be told what is urgent; every `Planner` is one that does not listen. */
export interface UrgentPlanner extends Planner {
  plan(requests: readonly PlanRequest[], urgency?: Urgency): Promise<Prediction[]>;
}

/** More asked for than can be had now; the client may try again. */
export class BusyError extends ValetError {
  override name = 'BusyError';
  constructor(what: string) {
    super('server', what);
  }
}

/** A plan was not there in time. */
export class PlanTooLateError extends ValetError {
  override name = 'PlanTooLateError';
  constructor(timeoutMs: number) {
    super('plan', `took longer than ${timeoutMs} ms.`);
  }
}

/**
 * Plans, waiting and all, within `timeoutMs`: one for each request, which may share a pass.
 * @throws PlanTooLateError when they are not there by then; the planner is told
 */
export async function planInTime(
  planner: UrgentPlanner,
  requests: readonly PlanRequest[],
  timeoutMs: number,
  urgency: Urgency = {},
): Promise<Prediction[]> {
  const late = new AbortController();
  const signal = urgency.signal ? AbortSignal.any([urgency.signal, late.signal]) : late.signal;
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new PlanTooLateError(timeoutMs);
      reject(error);
      late.abort(error);
    }, timeoutMs);
  });
  try {
    const plan = planner.plan(requests, { ...urgency, signal });
    plan.catch(() => undefined);
    const predictions = await Promise.race([plan, tooLate]);
    if (predictions.length !== requests.length)
      throw new ValetError('plan', `the planner gave ${predictions.length} for ${requests.length} requests.`);
    return predictions;
  } finally {
    clearTimeout(timer);
  }
}
