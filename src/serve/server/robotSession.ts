import type { Observation, PolicyNote, Robot } from '../../robot/index.ts';
import {
  actionsAsked,
  type ObservationMessage,
  packReply,
  readObservation,
  type UnpackLimits,
  unpackMessage,
} from '../../wire/index.ts';
import type { ActionSource, Step } from './actionSource.ts';
import type { Responder } from './responder.ts';

/** What a robot's session does, for metrics and logs. */
export interface SessionEvents {
  onReset?(): void;
  onReply?(ms: number, note: PolicyNote | undefined): void;
  onRule?(rule: string, reason: string | undefined): void;
  onStage?(stage: number, before: number): void;
}

export interface RobotSessionOptions {
  readonly robot: Robot;
  readonly source: ActionSource;
  readonly unpack?: Partial<UnpackLimits>;
  readonly events?: SessionEvents;
}

/**
 * What the conversation itself knows between two messages, as plain JSON; the source's knowledge is the source's to
 * keep.
 */
export interface ConversationSnapshot {
  readonly version: 1;
  readonly taskId?: number;
  readonly left: readonly { readonly action: readonly number[]; readonly note?: PolicyNote }[];
  readonly replies: number;
  readonly lastReply?: string;
  readonly stage: number;
}

/**
 * The conversation with one robot at the other end of a connection: takes its messages in order and answers each
 * observation with one reply, from actions of whatever source. Knows nothing of sockets.
 */
export class RobotSession implements Responder {
  /** Replies sent so far. */
  replies = 0;
  /** Actions already made for a chunk request that could not be filled; they go out one by one. */
  private left: Step[] = [];
  private taskId: number | undefined;
  private lastReplyAt = performance.now();
  private previousTotalMs: number | undefined;
  private lastReply: Uint8Array | undefined;
  private stage = 0;
  /** The client lost the last reply: the next observation gets it again. */
  private again = false;

  constructor(private readonly options: RobotSessionOptions) {}

  /**
   * The reply to one message; undefined after a reset, which is never answered (whatever else is in it).
   * @throws InputError for a message that is wrong, PlanError when no plan was made
   */
  async respond(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const started = performance.now();
    const message = unpackMessage(bytes, this.options.unpack);
    if (message instanceof Map && message.has('reset')) {
      await this.reset();
      return undefined;
    }
    const request = readObservation(message, this.options.robot);
    if (this.again && this.lastReply) {
      this.again = false;
      return this.lastReply;
    }
    return this.reply(request, await this.steps(request.observation, actionsAsked(request.asked)), started);
  }

  /** What it takes to go on over another connection. Between two messages only. */
  snapshot(): ConversationSnapshot {
    const { taskId, left, replies, lastReply, stage } = this;
    return {
      version: 1,
      ...(taskId === undefined ? {} : { taskId }),
      left: left.map(({ action, note }) => ({ action: [...action], ...(note && { note }) })),
      replies,
      ...(lastReply && { lastReply: Buffer.from(lastReply).toString('base64') }),
      stage,
    };
  }

  /**
   * Goes on from a snapshot. `received` says how many replies the client got; one fewer than were sent: the last one is
   * sent again.
   */
  restore({ taskId, left, replies, lastReply, stage }: ConversationSnapshot, received?: number): void {
    this.taskId = taskId;
    this.left = left.map(({ action, note }) => ({ action: Float32Array.from(action), note }));
    this.replies = replies;
    this.lastReply = lastReply === undefined ? undefined : Buffer.from(lastReply, 'base64');
    this.stage = stage;
    this.again = received === replies - 1;
  }

  close(): void | Promise<void> {
    return this.options.source.close();
  }

  private async reset(): Promise<void> {
    this.left = [];
    this.again = false;
    await this.options.source.reset();
    this.stage = 0;
    this.options.events?.onReset?.();
  }

  /** Steps to answer with, the first of them now: what is left, or what the source makes of the observation. */
  private async steps(observation: Observation, count: number): Promise<Step> {
    // Without a task id (-1) the task stays as it is.
    if (observation.taskId !== -1 && observation.taskId !== this.taskId) {
      this.left = [];
      this.taskId = observation.taskId;
    }
    if (this.left.length === 0) this.left = await this.options.source.act(observation, count);
    const [first] = this.left;
    if (!first) throw new RangeError('the source of actions gave none');
    return first;
  }

  private reply({ asked, batched }: ObservationMessage, { action, note }: Step, started: number): Uint8Array {
    const chunk = this.chunk(actionsAsked(asked));
    if (!chunk) this.left.shift();
    const now = performance.now();
    const inferMs = now - started;
    const reply = packReply({ action, chunk, note, batched, inferMs, previousTotalMs: this.previousTotalMs }, asked);
    this.previousTotalMs = now - this.lastReplyAt;
    this.lastReplyAt = now;
    this.lastReply = reply;
    this.replies++;
    this.tell(note, inferMs);
    return reply;
  }

  /** A chunk must have exactly the length asked for; the client falls back to single actions without one. */
  private chunk(size: number): Float32Array | undefined {
    if (size <= 1 || this.left.length !== size) return undefined;
    const { width } = this.options.robot;
    const chunk = new Float32Array(size * width);
    for (const [row, { action }] of this.left.entries()) chunk.set(action, row * width);
    this.left = [];
    return chunk;
  }

  private tell(note: PolicyNote | undefined, ms: number): void {
    const { events } = this.options;
    events?.onReply?.(ms, note);
    if (note?.rule) events?.onRule?.(note.rule, note.reason);
    const stage = note?.stage ?? this.stage;
    if (stage !== this.stage) events?.onStage?.(stage, this.stage);
    this.stage = stage;
  }
}
