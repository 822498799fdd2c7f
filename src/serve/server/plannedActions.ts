import { type EpisodeSession, UnusablePlanError } from '../../control/index.ts';
import type { Observation, PlanRequest, Prediction, Robot } from '../../robot/index.ts';
import type { ActionSource, Step } from './actionSource.ts';
import { PlanAhead } from './planAhead.ts';
import { plannerPictures } from './plannerPictures.ts';
import type { Early, PlanSource } from './rowPlans.ts';
import { holdStill } from './safeAction.ts';

export interface PlannedOptions {
  readonly session: EpisodeSession;
  readonly robot: Robot;
  readonly gateway: PlanSource;
  /** Begin the next plan while the buffer still holds this many actions; 0: when it is empty. */
  readonly planAhead?: number;
  /** Bytes that a JPEG picture may take as pixels. */
  readonly maxPictureBytes?: number | undefined;
  /** A plan that was not finite was kept from the robot. */
  readonly onUnsafe?: (() => void) | undefined;
  readonly onAhead?: ((outcome: 'used' | 'dropped' | 'failed') => void) | undefined;
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
    const { taskId } = session.detail;
    session.observe(observation);
    if (session.detail.taskId !== taskId) this.ahead?.drop();
    this.ahead?.observed();
    const chunk = this.chunkOf(count);
    if (session.needsPlan(chunk) && !(await this.makePlan(chunk))) return filled([this.holdSafe()], chunk, this.still);
    const steps: Step[] = [];
    while (steps.length < chunk && (steps.length === 0 || !session.needsPlan())) steps.push(this.next());
    this.ahead?.given(steps.map(({ action }) => action));
    return filled(steps, chunk, this.still);
  }

  /** Lets go of the last observation's pictures; they may lie in memory of a whole message. */
  rest(): void {
    const { session } = this.options;
    session.restore(session.snapshot());
  }

  close(): void {
    this.ahead?.drop();
  }

  /** Steps to answer with: as many as were asked for, as long as a plan can have so many. */
  private chunkOf(count: number): number {
    return count <= this.options.robot.horizon ? count : 1;
  }

  /** After a rule's way back has ended in the middle of a chunk, the robot waits for its next observation. */
  private readonly still = ({ action, note }: Step): Step => ({
    action: holdStill(action, this.options.robot),
    note: { planned: false, stage: note?.stage ?? 0 },
  });

  /** Makes and accepts a plan; false when it must not be executed. */
  private async makePlan(chunk: number): Promise<boolean> {
    const { session, onUnsafe } = this.options;
    const prediction = (await this.ahead?.take()) ?? (await this.plan(session.planRequest()));
    try {
      session.accept(prediction, chunk);
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
  private async planEarly(request: PlanRequest, urgency: Early): Promise<Prediction> {
    const { gateway, maxPictureBytes } = this.options;
    const { imageSize = 0 } = this;
    const pictures = await plannerPictures(request.pictures, imageSize, maxPictureBytes);
    const planner = await gateway.plannerFor(request.taskId);
    if (planner.imageSize !== imageSize) throw new Error('another network took over, with pictures of another size.');
    return gateway.planEarly(planner, { ...request, pictures }, urgency);
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

/** `steps`, and as many more as `count` lacks. */
function filled(steps: Step[], count: number, more: (last: Step) => Step): Step[] {
  for (let last = steps.at(-1); last && steps.length < count; last = steps.at(-1)) steps.push(more(last));
  return steps;
}
