import { type EpisodeSession, type SessionSnapshot, UnusablePlanError } from '../../control/index.ts';
import type { Observation, PlanRequest, Prediction, Robot } from '../../robot/index.ts';
import type { Urgency } from '../planners/index.ts';
import type { ActionSource, Step } from './actionSource.ts';
import { PlanAhead } from './planAhead.ts';
import type { PlanGateway } from './planGateway.ts';
import { plannerPictures } from './plannerPictures.ts';
import { holdStill } from './safeAction.ts';

export interface PlannedOptions {
  readonly session: EpisodeSession;
  readonly robot: Robot;
  readonly gateway: Pick<PlanGateway, 'plannerFor' | 'plan'>;
  /** Begin the next plan while the buffer still holds this many actions; 0: when it is empty. */
  readonly planAhead?: number;
  /** Bytes that a JPEG picture may take as pixels. */
  readonly maxPictureBytes?: number | undefined;
  /** A plan that was not finite was kept from the robot. */
  readonly onUnsafe?: (() => void) | undefined;
  readonly onAhead?: ((outcome: 'used' | 'dropped' | 'failed') => void) | undefined;
}

/** All that the source knows between two messages, as plain JSON. */
export interface PlannedSnapshot {
  readonly session: SessionSnapshot;
  readonly lastSafe?: readonly number[];
}

/**
 * A robot's actions from plans, behind its System 2. A plan that is not finite is never executed: the robot goes on
 * with its last safe action.
 */
export class PlannedActions implements ActionSource {
  private lastSafe: Float32Array | undefined;
  /** Side of the last planner's pictures. */
  private imageSize: number | undefined;
  private readonly ahead: PlanAhead | undefined;

  constructor(private readonly options: PlannedOptions) {
    const { session, robot, planAhead = 0, onAhead } = options;
    if (planAhead > 0)
      this.ahead = new PlanAhead({
        session,
        robot,
        most: planAhead,
        plan: (request, urgency) => this.planEarly(request, urgency),
        onOutcome: (outcome) => onAhead?.(outcome),
      });
  }

  reset(): void {
    this.ahead?.drop();
    this.options.session.reset();
  }

  async act(observation: Observation, count: number): Promise<Step[]> {
    const { session } = this.options;
    const { taskId } = observation;
    // Without a task id (-1) the task stays as it is.
    if (taskId !== -1 && taskId !== session.detail.taskId) this.ahead?.drop();
    session.observe(observation);
    this.ahead?.observed();
    if (session.needsPlan() && !(await this.makePlan())) return [this.holdSafe()];
    const steps = [this.next()];
    // The rest of a chunk needs no observation as long as the last plan covers it.
    while (steps.length < count && !session.needsPlan()) steps.push(this.next());
    this.ahead?.given(steps.map(({ action }) => action));
    return steps;
  }

  /** What it takes to go on over another connection. Between two messages only. */
  snapshot(): PlannedSnapshot {
    const { lastSafe } = this;
    return { session: this.options.session.snapshot(), ...(lastSafe && { lastSafe: [...lastSafe] }) };
  }

  /** @throws InputError for what is no snapshot of such a session */
  restore({ session, lastSafe }: PlannedSnapshot): void {
    this.options.session.restore(session);
    this.lastSafe = lastSafe && Float32Array.from(lastSafe);
    this.ahead?.drop();
  }

  close(): void {
    this.ahead?.drop();
  }

  /** Makes and accepts a plan; false when it must not be executed. */
  private async makePlan(): Promise<boolean> {
    const { session, onUnsafe } = this.options;
    const prediction = (await this.ahead?.take()) ?? (await this.plan(session.planRequest()));
    try {
      session.accept(prediction);
    } catch (error) {
      if (!(error instanceof UnusablePlanError)) throw error;
      onUnsafe?.();
      return false;
    }
    this.ahead?.accepted();
    return true;
  }

  /** A plan that the robot waits for. */
  private async plan(request: PlanRequest): Promise<Prediction> {
    const { gateway, maxPictureBytes } = this.options;
    const planner = await gateway.plannerFor(request.taskId);
    this.imageSize = planner.imageSize;
    const pictures = await plannerPictures(request.pictures, planner.imageSize, maxPictureBytes);
    return gateway.plan(planner, { ...request, pictures });
  }

  /** A plan that nobody waits for yet: the pictures must be taken now, before their memory is used again. */
  private async planEarly(request: PlanRequest, urgency: Urgency): Promise<Prediction> {
    const { gateway, maxPictureBytes } = this.options;
    const { imageSize = 0 } = this;
    const pictures = await plannerPictures(request.pictures, imageSize, maxPictureBytes);
    const planner = await gateway.plannerFor(request.taskId);
    if (planner.imageSize !== imageSize) throw new Error('another network took over, with pictures of another size.');
    return gateway.plan(planner, { ...request, pictures }, urgency);
  }

  private next(): Step {
    const { session } = this.options;
    const action = session.next();
    this.lastSafe = action;
    return { action, note: session.note };
  }

  /** The last action that was safe; before any, the robot holds still. */
  private holdSafe(): Step {
    const { session, robot } = this.options;
    const note = { planned: false, stage: session.detail.stage };
    return { action: this.lastSafe?.slice() ?? holdStill(session.planRequest().state, robot), note };
  }
}
