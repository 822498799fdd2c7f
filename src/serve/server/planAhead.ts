import type { EpisodeSession } from '../../control/index.ts';
import type { PlanRequest, Prediction, Robot } from '../../robot/index.ts';
import type { Early as EarlyUrgency } from './rowPlans.ts';

interface Early {
  /** Rows of the plan that are executed before it takes over. */
  readonly rows: number;
  /** Actions of the old plan that had still to be given out when it began. */
  ahead: number;
  readonly prediction: Promise<Prediction | undefined>;
  readonly abort: AbortController;
}

export interface PlanAheadOptions {
  readonly session: Pick<EpisodeSession, 'detail' | 'planRequest' | 'upcoming'>;
  readonly robot: Robot;
  /** The most actions that may be left when it begins. */
  readonly most: number;
  /** Begins a plan; reads the request's pictures before it returns. */
  readonly plan: (request: PlanRequest, urgency: EarlyUrgency) => Promise<Prediction>;
  readonly onOutcome: (outcome: 'used' | 'dropped' | 'failed') => void;
}

/**
 * Begins the next plan while the buffer still holds some actions, so that the robot need not wait for it. The plan
 * starts from the observation of that moment, is held (inpainted) to what will have been executed when it takes over,
 * and loses those rows. When it begins and from what depends on the steps alone, never on time: the same observations
 * give the same actions however long a plan takes.
 */
export class PlanAhead {
  private early: Early | undefined;

  constructor(private readonly options: PlanAheadOptions) {}

  /** The session has seen an observation: a rule's way back makes an early plan worthless. */
  observed(): void {
    if (this.options.session.detail.recovering) this.drop();
  }

  /** These actions were given out for the last observation. */
  given(actions: readonly Float32Array[]): void {
    const { early } = this;
    const { session, robot, most } = this.options;
    if (early) {
      early.ahead -= actions.length;
      if (early.ahead < 0) this.drop();
      return;
    }
    const { rows, served, recovering } = session.detail;
    const left = rows - served;
    const executed = actions.length + left;
    if (recovering || left <= 0 || left > most || executed > most + 1) return;
    const prefix = new Float64Array(executed * robot.width);
    for (const [row, action] of actions.entries()) prefix.set(action, row * robot.width);
    prefix.set(session.upcoming(left).actions, actions.length * robot.width);
    const abort = new AbortController();
    const request: PlanRequest = { ...session.planRequest(), prefix: { rows: executed, actions: prefix } };
    // How long the actions of the buffer keep the robot going.
    const slackMs = (1000 * left) / robot.rate;
    // A plan in time is made when it is needed, and says what is wrong.
    const prediction = this.options.plan(request, { slackMs, signal: abort.signal }).catch(() => undefined);
    this.early = { rows: executed, ahead: left, prediction, abort };
  }

  /**
   * The plan that was begun early, without the rows that were executed; undefined when there is none for this moment.
   */
  async take(): Promise<Prediction | undefined> {
    const { early } = this;
    const { robot, onOutcome } = this.options;
    if (!early) return undefined;
    if (early.ahead !== 0) {
      this.drop();
      return undefined;
    }
    this.early = undefined;
    const prediction = await early.prediction;
    onOutcome(prediction ? 'used' : 'failed');
    if (!prediction) return undefined;
    const { actions, horizon, stageLogits } = prediction;
    return { actions: actions.slice(early.rows * robot.width), horizon: horizon - early.rows, stageLogits };
  }

  accepted(): void {
    this.early = undefined;
  }

  drop(): void {
    if (!this.early) return;
    this.early.abort.abort();
    this.early = undefined;
    this.options.onOutcome('dropped');
  }
}

/**
 * How many rows a session executes when plans begin `ahead` actions early: what is left of the horizon without those
 * rows and the promised ones.
 */
export function aheadSession(
  ahead: number,
  {
    horizon,
    executeActions,
    executeSteps,
    keepActions,
  }: Record<'horizon' | 'executeActions' | 'executeSteps' | 'keepActions', number>,
): { executeActions: number; executeSteps: number } {
  const rows = Math.min(executeActions, horizon - (ahead + 1) - keepActions);
  return { executeActions: rows, executeSteps: Math.max(1, Math.round((executeSteps * rows) / executeActions)) };
}
