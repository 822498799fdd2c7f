import { setImmediate } from 'node:timers/promises';
import type { PlanRequest, Prediction } from '../../robot/index.ts';
import { type Caller, NobodyWaitsError, type Urgency, type UrgentPlanner } from '../planners/index.ts';
import type { PlanGateway } from './planGateway.ts';

/** What a robot's actions need of a gateway: one plan at a time. */
export interface PlanSource {
  plannerFor(taskId: number): Promise<UrgentPlanner>;
  plan(planner: UrgentPlanner, request: PlanRequest): Promise<Prediction>;
  /** A plan that nobody waits for yet: while the robot's client is away, it waits until it is back. */
  planEarly(planner: UrgentPlanner, request: PlanRequest, urgency: Early): Promise<Prediction>;
}

/** When a plan is needed that is begun before, and what ends it. */
export type Early = Required<Pick<Urgency, 'slackMs'>> & { readonly signal: AbortSignal };

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

  constructor(
    private readonly gateway: Pick<PlanGateway, 'plannerFor' | 'plan'>,
    private readonly caller: Caller,
  ) {}

  /** Where robot `row` gets its plans. */
  source(row: number): PlanSource {
    return {
      plannerFor: (taskId) => this.gateway.plannerFor(taskId),
      plan: async (planner, request) => {
        if (this.open?.has(row)) return this.want(row, planner, request);
        const [prediction] = await this.gateway.plan(planner, [request], this.urgency);
        return prediction as Prediction;
      },
      planEarly: (planner, request, urgency) => this.early(planner, request, urgency),
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

  private get urgency(): Urgency {
    const { caller } = this;
    return { caller, signal: caller.signal, since: caller.since };
  }

  private async early(planner: UrgentPlanner, request: PlanRequest, urgency: Early): Promise<Prediction> {
    const { caller } = this;
    for (;;) {
      await caller.back(urgency.signal);
      try {
        const [prediction] = await this.gateway.plan(planner, [request], { ...urgency, caller });
        return prediction as Prediction;
      } catch (error) {
        if (!((error as Error).cause instanceof NobodyWaitsError)) throw error;
      }
    }
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
        this.urgency,
      );
      for (const [i, { resolve }] of wanted.entries()) resolve(predictions[i] as Prediction);
    } catch (error) {
      for (const { reject } of wanted) reject(error);
    }
  }
}
