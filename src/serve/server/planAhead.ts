import type { EpisodeSession } from '../../control/index.ts';
import type { Observation, PlanRequest, Prediction } from '../../robot/index.ts';
import { decodePictures, ownPictures, WIDTH } from '../../wire/index.ts';
import type { Urgency } from '../planners/index.ts';

/** Milliseconds of one control step (30 Hz): how long an action of the buffer keeps the robot going. */
const STEP_MS = 1000 / 30;

interface Early {
  /** Rows of the plan that are executed before it takes over. */
  readonly rows: number;
  /** Actions of the old plan that had still to be given out when it began. */
  ahead: number;
  readonly prediction: Promise<Prediction | undefined>;
  readonly abort: AbortController;
}

/**
 * Begins the next plan while the buffer still holds some actions, so that the robot need not wait for it. The plan starts from the observation of that
 * moment, is held (inpainted) to what will have been executed when it takes over, and loses those rows. When it begins and from what depends on the
 * steps alone, never on time: the same observations give the same actions however long a plan takes.
 */
export class PlanAhead {
  private early: Early | undefined;

  constructor(
    private readonly session: EpisodeSession,
    /** The most actions that may be left when it begins. */
    private readonly most: number,
    private readonly newSession: () => EpisodeSession,
    private readonly plan: (request: PlanRequest, urgency?: Urgency) => Promise<Prediction>,
    private readonly onOutcome: (outcome: 'used' | 'dropped' | 'failed') => void,
  ) {}

  /** The session has seen an observation: a rule's way back makes an early plan worthless. */
  observed(): void {
    if (this.session.detail.recovering) this.drop();
  }

  /** These actions were given out for the last observation. */
  given(actions: readonly Float32Array[]): void {
    const { early, session, most } = this;
    if (early) {
      early.ahead -= actions.length;
      if (early.ahead < 0) this.drop();
      return;
    }
    const { rows, served, recovering } = session.detail;
    const left = rows - served;
    const executed = actions.length + left;
    if (recovering || left <= 0 || left > most || executed > most + 1) return;
    const prefix = new Float64Array(executed * WIDTH);
    const future = this.newSession();
    future.restore(session.snapshot());
    for (const [row, action] of actions.entries()) prefix.set(action, row * WIDTH);
    for (let row = actions.length; row < executed; row++) prefix.set(future.next(), row * WIDTH);
    const abort = new AbortController();
    const now = session.planRequest();
    const pictures = ownPictures(now.pictures);
    const request: PlanRequest = { ...now, pictures, prefix: { rows: executed, actions: prefix } };
    const prediction = this.make(request, { slackMs: left * STEP_MS, signal: abort.signal });
    this.early = { rows: executed, ahead: left, prediction, abort };
  }

  /** The plan that was begun early, without the rows that were executed; undefined when there is none for this moment. */
  async take(): Promise<Prediction | undefined> {
    const { early } = this;
    if (!early) return undefined;
    if (early.ahead !== 0) {
      this.drop();
      return undefined;
    }
    this.early = undefined;
    const prediction = await early.prediction;
    this.onOutcome(prediction ? 'used' : 'failed');
    if (!prediction) return undefined;
    const { actions, horizon, stageLogits } = prediction;
    return { actions: actions.slice(early.rows * WIDTH), horizon: horizon - early.rows, stageLogits };
  }

  accepted(): void {
    this.early = undefined;
  }

  drop(): void {
    if (!this.early) return;
    this.early.abort.abort();
    this.early = undefined;
    this.onOutcome('dropped');
  }

  private async make(request: PlanRequest, urgency: Urgency): Promise<Prediction | undefined> {
    try {
      const pictures: Observation['pictures'] = await decodePictures(request.pictures);
      return await this.plan({ ...request, pictures }, urgency);
    } catch {
      return undefined; // a plan in time is made when it is needed, and says what is wrong
    }
  }
}

/** How many rows a session executes when plans begin `ahead` actions early: what is left of the horizon without those rows and the promised ones. */
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
