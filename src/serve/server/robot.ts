import { InputError, ValetError } from '../../base/index.ts';
import type { EpisodeSession, SessionSnapshot } from '../../control/index.ts';
import { CHALLENGE_ROBOT, type PlanRequest, type PolicyNote, type Prediction } from '../../robot/index.ts';
import {
  decodePictures,
  observationFromWire,
  ownPictures,
  packReply,
  type UnpackLimits,
  unpackMessage,
  WIDTH,
} from '../../wire/index.ts';
import type { Urgency } from '../planners/index.ts';
import { PlanAhead } from './planAhead.ts';
import type { Responder } from './tap.ts';

/** Planning failed, as against a message that was wrong; the client learns no more than that. */
export class PlanError extends ValetError {
  override name = 'PlanError';
}

export interface RobotOptions {
  readonly session: EpisodeSession;
  readonly plan: (request: PlanRequest, urgency?: Urgency) => Promise<Prediction>;
  readonly unpack?: Partial<UnpackLimits>;
  /** Begin the next plan while the buffer still holds this many actions. */
  readonly planAhead?: number;
  /** Another session with the same options; needed to plan ahead. */
  readonly newSession?: () => EpisodeSession;
  readonly events?: RobotEvents;
}

/** What a robot's session does, for metrics and logs. */
export interface RobotEvents {
  onReset?(): void;
  onReply?(ms: number, note: PolicyNote): void;
  onRule?(rule: string, reason: string | undefined): void;
  onStage?(stage: number, before: number): void;
  /** Something not finite was kept from the robot. */
  onUnsafe?(what: 'plan' | 'action' | 'chunk'): void;
  onAhead?(outcome: 'used' | 'dropped' | 'failed'): void;
}

/** All that a robot's side of a connection knows, as plain JSON. */
export interface RobotSnapshot {
  readonly version: 1;
  readonly session: SessionSnapshot;
  readonly taskId?: number;
  readonly left: readonly { readonly action: readonly number[]; readonly note: PolicyNote }[];
  readonly replies: number;
  readonly lastReply?: string;
  readonly lastSafe?: readonly number[];
}

interface Step {
  readonly action: Float32Array;
  readonly note: PolicyNote;
}

/**
 * One robot at the other end of a connection: takes its messages in order and answers each observation with one reply.
 * Holds the robot's session; knows nothing of sockets.
 */
export class Robot implements Responder {
  /** Replies sent so far. */
  replies = 0;
  private readonly session: EpisodeSession;
  /** Actions already made for a chunk request that could not be filled; they go out one by one. */
  private left: Step[] = [];
  private taskId: number | undefined;
  private lastReplyAt = performance.now();
  private previousTotalMs: number | undefined;
  private lastReply: Uint8Array | undefined;
  private lastSafe: Float32Array | undefined;
  private stage = 0;
  /** The client lost the last reply: the next observation gets it again. */
  private again = false;
  private readonly ahead: PlanAhead | undefined;

  constructor(private readonly options: RobotOptions) {
    this.session = options.session;
    const { planAhead = 0, newSession, plan, events } = options;
    if (planAhead > 0 && newSession)
      this.ahead = new PlanAhead(this.session, planAhead, newSession, plan, (outcome) => events?.onAhead?.(outcome));
  }

  /**
   * The reply to one message; undefined after a reset, which is never answered (whatever else is in it).
   * @throws InputError for a message that is wrong, PlanError when no plan was made
   */
  async respond(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const started = performance.now();
    const { unpack, events } = this.options;
    const message = unpackMessage(bytes, unpack);
    if (message instanceof Map && message.has('reset')) {
      this.reset();
      return undefined;
    }
    const { observation, batched, chunkSize, wantsNote } = observationFromWire(message);
    if (this.again && this.lastReply) {
      this.again = false;
      return this.lastReply;
    }
    // Without a task id (-1) the task stays as it is.
    if (observation.taskId !== -1 && observation.taskId !== this.taskId) {
      this.left = [];
      this.ahead?.drop();
      this.taskId = observation.taskId;
    }
    if (this.left.length === 0) {
      this.session.observe(observation);
      this.ahead?.observed();
      const problem = this.session.needsPlan() ? await this.makePlan() : undefined;
      if (problem) this.left.push(this.holdSafe(problem));
      else {
        this.left.push(this.next());
        // The rest of a chunk needs no observation as long as the last plan covers it.
        while (this.left.length < chunkSize && !this.session.needsPlan()) this.left.push(this.next());
        this.ahead?.given(this.left.map(({ action }) => action));
      }
    }
    const first = this.left[0]!;
    const chunk = this.chunk(chunkSize);
    if (!chunk) this.left.shift();
    const now = performance.now();
    const reply = packReply({
      action: first.action,
      chunk,
      note: wantsNote ? first.note : undefined,
      batched,
      inferMs: now - started,
      previousTotalMs: this.previousTotalMs,
    });
    this.previousTotalMs = now - this.lastReplyAt;
    this.lastReplyAt = now;
    this.lastReply = reply;
    this.replies++;
    if (events) this.tell(events, first.note, now - started);
    return reply;
  }

  /** What it takes to go on over another connection. Between two messages only. */
  snapshot(): RobotSnapshot {
    const { taskId, left, replies, lastReply, lastSafe } = this;
    return {
      version: 1,
      session: this.session.snapshot(),
      ...(taskId === undefined ? {} : { taskId }),
      left: left.map(({ action, note }) => ({ action: [...action], note })),
      replies,
      ...(lastReply && { lastReply: Buffer.from(lastReply).toString('base64') }),
      ...(lastSafe && { lastSafe: [...lastSafe] }),
    };
  }

  /** Goes on from a snapshot. `received` says how many replies the client got; one fewer than were sent: the last one is sent again. */
  restore(snapshot: RobotSnapshot, received?: number): void {
    this.session.restore(snapshot.session);
    this.taskId = snapshot.taskId;
    this.left = snapshot.left.map(({ action, note }) => ({ action: Float32Array.from(action), note }));
    this.replies = snapshot.replies;
    this.lastReply = snapshot.lastReply === undefined ? undefined : Buffer.from(snapshot.lastReply, 'base64');
    this.lastSafe = snapshot.lastSafe && Float32Array.from(snapshot.lastSafe);
    this.stage = this.session.detail.stage;
    this.again = received === this.replies - 1;
    this.ahead?.drop();
  }

  close(): void {
    this.ahead?.drop();
  }

  private reset(): void {
    this.left = [];
    this.again = false;
    this.ahead?.drop();
    this.session.reset();
    this.stage = 0;
    this.options.events?.onReset?.();
  }

  /** A chunk must have exactly the length asked for; the client falls back to single actions without one. */
  private chunk(size: number): Float32Array | undefined {
    if (size <= 1 || this.left.length !== size) return undefined;
    const chunk = new Float32Array(size * WIDTH);
    for (const [row, { action }] of this.left.entries()) chunk.set(action, row * WIDTH);
    this.left = [];
    return chunk;
  }

  /** Makes and accepts a plan; says what was wrong with it when it must not be executed. */
  private async makePlan(): Promise<'plan' | undefined> {
    let prediction = await this.ahead?.take();
    if (!prediction) {
      const request = this.session.planRequest();
      const pictures = await decodePictures(ownPictures(request.pictures), this.options.unpack?.maxArrayBytes);
      prediction = await this.options.plan({ ...request, pictures });
    }
    if (!prediction.actions.every(Number.isFinite) || prediction.stageLogits.some(Number.isNaN)) return 'plan';
    this.session.accept(prediction);
    this.ahead?.accepted();
    return undefined;
  }

  private next(): Step {
    const action = this.session.next();
    if (action.length !== WIDTH) throw new PlanError('action', `has ${action.length} numbers (expected ${WIDTH}).`);
    if (!action.every(Number.isFinite)) return this.holdSafe('action');
    this.lastSafe = action;
    return { action, note: this.session.note };
  }

  /** The last action that was safe; before any, the joints stay where they are and the base stands. */
  private holdSafe(what: 'plan' | 'action'): Step {
    this.options.events?.onUnsafe?.(what);
    const { detail } = this.session;
    const note = { planned: false, stage: detail.stage };
    if (this.lastSafe) return { action: this.lastSafe.slice(), note };
    const action = this.session.planRequest().state.slice();
    for (const column of CHALLENGE_ROBOT.baseColumns) action[column] = 0;
    for (const column of CHALLENGE_ROBOT.gripperColumns) action[column] = Math.min(1, Math.max(-1, action[column]!));
    if (!action.every(Number.isFinite)) throw new InputError('observation', "the robot's state is not finite.");
    return { action, note };
  }

  private tell(events: RobotEvents, note: PolicyNote, ms: number): void {
    events.onReply?.(ms, note);
    if (note.rule) events.onRule?.(note.rule, note.reason);
    if (note.stage !== this.stage) events.onStage?.(note.stage, this.stage);
    this.stage = note.stage;
  }
}
