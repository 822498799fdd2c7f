import { ValetError } from '../../base/index.ts';
import { type PlanRequest, type Prediction, type Robot, sameRobot } from '../../robot/index.ts';
import {
  BusyError,
  NobodyWaitsError,
  PlanTooLateError,
  planInTime,
  tryPlanner,
  type Urgency,
  type UrgentPlanner,
} from '../planners/index.ts';
import type { Metrics } from './metrics.ts';
import { PlanError } from './planError.ts';
import { Readiness } from './readiness.ts';

export interface PlanGatewayOptions {
  /** The planner for a task; may load one, or throw InputError for a task that no checkpoint covers. */
  readonly plannerFor: (taskId: number) => UrgentPlanner | Promise<UrgentPlanner>;
  /** The robot that the planners must plan for; that of the trial plan's planner when left out. */
  readonly robot?: Robot | undefined;
  /** The task of the trial plan. */
  readonly probeTask: number;
  /** The one time-out of a plan, waiting included. */
  readonly planTimeoutMs: number;
  readonly metrics: Metrics;
}

/**
 * Where a plan waits for a planner: finds the planner of a task, bounds the time of a plan, turns failures into
 * PlanError or BusyError, and knows whether plans can be made at all.
 */
export class PlanGateway {
  readonly readiness: Readiness;
  private serves: Robot | undefined;
  /** The task of the last plan that a robot has got. */
  private lastTask: number | undefined;
  /** Robots of planners that were compared already. */
  private readonly fits = new WeakSet<Robot>();

  constructor(private readonly options: PlanGatewayOptions) {
    this.serves = options.robot;
    this.readiness = new Readiness(() => this.trial());
  }

  /** The robot that is planned for. @throws ValetError before the first trial plan, if nobody said it */
  get robot(): Robot {
    if (!this.serves) throw new ValetError('plan', 'no planner has been loaded yet, so the robot is not known.');
    return this.serves;
  }

  /**
   * The planner of a task.
   * @throws InputError when none covers it, PlanError when it cannot be had, or is for another robot
   */
  async plannerFor(taskId: number): Promise<UrgentPlanner> {
    let planner: UrgentPlanner;
    try {
      planner = await this.options.plannerFor(taskId);
    } catch (error) {
      if (isInput(error)) throw error;
      throw new PlanError('plan', (error as Error).message, 'failure', { cause: error });
    }
    this.requireRobot(planner.robot);
    return planner;
  }

  /**
   * Plans in time, one for each request; they are asked for together. A planner's failure comes back as PlanError to
   * who asked; whether others can get plans says a trial.
   */
  async plan(planner: UrgentPlanner, requests: readonly PlanRequest[], urgency: Urgency = {}): Promise<Prediction[]> {
    const { metrics, planTimeoutMs } = this.options;
    const timers = requests.map(() => metrics.planSeconds.startTimer({ part: 'total' }));
    try {
      const predictions = await planInTime(planner, requests, planTimeoutMs, urgency);
      this.lastTask = requests[0]?.taskId;
      this.readiness.planned();
      return predictions;
    } catch (error) {
      // The planner refused the request: the client's doing, and no sign of ill health.
      if (error instanceof BusyError || isInput(error)) throw error;
      const givenUp = urgency.signal?.aborted || error instanceof NobodyWaitsError;
      if (error instanceof PlanTooLateError || !givenUp) this.readiness.doubt();
      throw new PlanError('plan', (error as Error).message, 'failure', { cause: error });
    } finally {
      for (const stop of timers) stop();
    }
  }

  private requireRobot(robot: Robot): void {
    this.serves ??= robot;
    if (this.fits.has(robot)) return;
    if (!sameRobot(robot, this.serves))
      throw new PlanError(
        'plan',
        `the planner is for robot ${robot.name} (got by a server of ${this.serves.name}; one server serves one robot).`,
      );
    this.fits.add(robot);
  }

  /** One checkpoint that is spoilt must not keep the robots of another one out. */
  private async trial(): Promise<void> {
    const { probeTask } = this.options;
    const { lastTask = probeTask } = this;
    await this.tryTask(probeTask).catch((error) => {
      if (lastTask === probeTask) throw error;
      return this.tryTask(lastTask);
    });
  }

  private async tryTask(taskId: number): Promise<void> {
    const { planTimeoutMs, metrics } = this.options;
    const planner = await this.plannerFor(taskId);
    const stop = metrics.planSeconds.startTimer({ part: 'total' });
    try {
      await tryPlanner(planner, taskId, planTimeoutMs);
    } finally {
      stop();
    }
  }
}

/** An error that a worker sent keeps its kind, not its class. */
const isInput = (error: unknown): boolean => error instanceof ValetError && error.kind === 'input';
