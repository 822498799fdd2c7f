import { setImmediate } from 'node:timers/promises';
import type { PlanRequest, Prediction } from '../../robot/index.ts';
import type { Urgency, UrgentPlanner } from '../planners/index.ts';
import type { PlanGateway } from './planGateway.ts';

/** What a robot's actions need of a gateway: one plan at a time. */
export interface PlanSource {
  plannerFor(taskId: number): Promise<UrgentPlanner>;
  plan(planner: UrgentPlanner, request: PlanRequest, urgency?: Urgency): Promise<Prediction>;
}

interface Wanted {
  readonly planner: UrgentPlanner;
  readonly request: PlanRequest;
  readonly resolve: (prediction: Prediction) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Has the robots of one message plan together: their plans are asked for once every robot has asked, or is done without
 * one, so that those of one planner can share a pass.
 */
export class RowPlans {
  private wanted: Wanted[] = [];
  /** Robots of the message under way that have not asked yet; absent between messages. */
  private open: Set<number> | undefined;

  constructor(private readonly gateway: Pick<PlanGateway, 'plannerFor' | 'plan'>) {}

  /** Where robot `row` gets its plans. */
  source(row: number): PlanSource {
    return {
      plannerFor: (taskId) => this.gateway.plannerFor(taskId),
      plan: async (planner, request, urgency) => {
        if (!urgency && this.open?.has(row)) return this.want(row, planner, request);
        const [prediction] = await this.gateway.plan(planner, [request], urgency);
        return prediction as Prediction;
      },
    };
  }

  /** What the robots do with one message, side by side; sockets are heard in between. */
  async together<T>(tasks: readonly (() => Promise<T>)[]): Promise<PromiseSettledResult<T>[]> {
    if (tasks.length > 1) this.open = new Set(tasks.keys());
    const running: Promise<T>[] = [];
    for (const [row, task] of tasks.entries()) {
      if (row > 0) await setImmediate();
      const one = task().finally(() => this.arrived(row));
      one.catch(() => undefined);
      running.push(one);
    }
    const settled = await Promise.allSettled(running);
    this.open = undefined;
    return settled;
  }

  private want(row: number, planner: UrgentPlanner, request: PlanRequest): Promise<Prediction> {
    return new Promise<Prediction>((resolve, reject) => {
      this.wanted.push({ planner, request, resolve, reject });
      this.arrived(row);
    });
  }

  private arrived(row: number): void {
    if (!this.open?.delete(row) || this.open.size > 0) return;
    const wanted = this.wanted.splice(0);
    for (const planner of new Set(wanted.map((one) => one.planner)))
      void this.ask(
        planner,
        wanted.filter((one) => one.planner === planner),
      );
  }

  private async ask(planner: UrgentPlanner, wanted: readonly Wanted[]): Promise<void> {
    try {
      const predictions = await this.gateway.plan(
        planner,
        wanted.map(({ request }) => request),
      );
      for (const [i, { resolve }] of wanted.entries()) resolve(predictions[i] as Prediction);
    } catch (error) {
      for (const { reject } of wanted) reject(error);
    }
  }
}
