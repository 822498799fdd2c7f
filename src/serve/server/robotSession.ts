import { InputError } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import {
  actionsAsked,
  type ObservationMessage,
  packReply,
  readObservation,
  type UnpackLimits,
  unpackMessage,
  type WireMap,
} from '../../wire/index.ts';
import { Caller } from '../planners/index.ts';
import type { ActionSource, Step } from './actionSource.ts';
import { ObservationPrint, samePrints } from './observationPrint.ts';
import { rowsToReset } from './resetMessage.ts';
import type { Responder } from './responder.ts';
import { RobotRow, type SessionEvents } from './robotRow.ts';

export interface RobotSessionOptions {
  readonly robot: Robot;
  /** What moves robot `row` of the session. */
  readonly openSource: (row: number) => ActionSource | Promise<ActionSource>;
  /** Runs what all robots do with one message, side by side. */
  readonly together?: <T>(tasks: readonly (() => Promise<T>)[]) => Promise<PromiseSettledResult<T>[]>;
  /** Who waits for its replies. */
  readonly caller?: Caller;
  readonly unpack?: Partial<UnpackLimits>;
  readonly events?: SessionEvents;
}

/** An observation whose robots do not all have their steps yet. */
interface Begun {
  readonly prints: readonly ObservationPrint[];
  readonly steps: (readonly Step[] | undefined)[];
}

/** How the first observation over a new connection is known as the last one, sent again. */
type Again = 'by count' | 'by content';

/**
 * The conversation with the robot, or the N robots, at the other end of a connection: takes messages in order and
 * answers each observation with one reply, from actions of whatever source. It outlives its connection, and knows
 * nothing of sockets.
 */
export class RobotSession implements Responder {
  /** Replies made so far. */
  replies = 0;
  /** Who waits for them: the client, which may leave and come back. */
  readonly caller: Caller;
  private robots: readonly RobotRow[] = [];
  private lastReplyAt = performance.now();
  private previousTotalMs: number | undefined;
  private lastReply: Uint8Array | undefined;
  private last: readonly ObservationPrint[] | undefined;
  private begun: Begun | undefined;
  private again: Again | undefined;
  private wasReset = false;

  constructor(private readonly options: RobotSessionOptions) {
    this.caller = options.caller ?? new Caller();
  }

  /** Robots that it drives; 1 before the first message. */
  get size(): number {
    return Math.max(1, this.robots.length);
  }

  /** The last observation, one print a robot; absent at the start of an episode. */
  get prints(): readonly ObservationPrint[] | undefined {
    return this.begun?.prints ?? this.last;
  }

  /** Whether it has anything to go on with over another connection. */
  get isBegun(): boolean {
    return this.wasReset || this.prints !== undefined;
  }

  /**
   * The reply to one message; undefined after a reset, which is never answered (whatever else is in it).
   * @throws InputError for a message that is wrong, PlanError when no plan was made; the same observation may then be
   *   sent again
   */
  async respond(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const started = performance.now();
    const message = unpackMessage(bytes, this.options.unpack);
    if (message instanceof Map && message.has('reset')) {
      await this.reset(message);
      return undefined;
    }
    const request = readObservation(message, this.options.robot);
    const prints = request.observations.map((observation) => new ObservationPrint(observation));
    const before = this.repeated(prints);
    if (before) return before;
    const steps = await this.steps(request, prints);
    return this.reply(request, steps, started);
  }

  /**
   * Goes on over another connection, whose first observation may be the last one, sent again: then it gets the same
   * reply. `received` says how many replies the client got, when it knows; else the observation itself tells.
   */
  takeUp(received?: number): void {
    this.again = received === undefined ? 'by content' : received === this.replies - 1 ? 'by count' : undefined;
  }

  /** Nobody may come back for long. */
  rest(): void {
    for (const { source } of this.robots) source.rest?.();
  }

  async close(): Promise<void> {
    await Promise.all(this.robots.map(({ source }) => source.close()));
  }

  private async reset(message: WireMap): Promise<void> {
    const rows = rowsToReset(message, this.robots.length);
    if (this.robots.length === 0) await this.resize(1);
    await Promise.all(this.robots.map((robot, row) => ((rows?.has(row) ?? true) ? robot.reset() : undefined)));
    if (!rows) this.last = undefined;
    [this.again, this.begun, this.lastReply] = [undefined, undefined, undefined];
    this.wasReset = true;
    this.options.events?.onReset?.();
  }

  /** As many robots as there are rows; another number of them is another episode, which begins with a reset. */
  private async resize(count: number): Promise<void> {
    const { robots } = this;
    if (robots.length === count) return;
    if (this.last)
      throw new InputError(
        'observation',
        `is of ${count} robots (the last one was of ${robots.length}). Send a reset before the number changes.`,
      );
    const { openSource, events } = this.options;
    const more = Array.from({ length: Math.max(0, count - robots.length) }, async (_, i) => {
      const robot = new RobotRow(await openSource(robots.length + i), events);
      if (this.wasReset) await robot.reset();
      return robot;
    });
    this.robots = [...robots.slice(0, count), ...(await Promise.all(more))];
    for (const { source } of robots.slice(count)) await source.close();
  }

  /** The reply that the client lost, when it sends the observation again that it belongs to. */
  private repeated(prints: readonly ObservationPrint[]): Uint8Array | undefined {
    const { again, last, lastReply } = this;
    this.again = undefined;
    if (again === undefined || this.begun) return undefined;
    return again === 'by count' || (last && samePrints(prints, last)) ? lastReply : undefined;
  }

  /** Steps of each robot, the first of them now. Robots that have theirs from a failed attempt do not act again. */
  private async steps(
    { observations, asked }: ObservationMessage,
    prints: readonly ObservationPrint[],
  ): Promise<readonly (readonly Step[])[]> {
    await this.resize(observations.length);
    const { together = sideBySide } = this.options;
    const count = actionsAsked(asked);
    const before = this.begun && samePrints(this.begun.prints, prints) ? this.begun : undefined;
    const begun = before ?? { prints, steps: observations.map(() => undefined) };
    this.begun = begun;
    if (!before) this.caller.since = performance.now();
    const tasks = this.robots.map((robot, row) => async () => {
      begun.steps[row] ??= await robot.act(observations[row] as (typeof observations)[0], count);
    });
    const settled = await together(tasks);
    const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    if (failures.length > 0) throw failures.find((error) => error instanceof InputError) ?? failures[0];
    this.begun = undefined;
    this.last = prints;
    return begun.steps as (readonly Step[])[];
  }

  private reply(
    { asked, batched }: ObservationMessage,
    steps: readonly (readonly Step[])[],
    started: number,
  ): Uint8Array {
    const { width } = this.options.robot;
    const count = actionsAsked(asked);
    const first = steps.map(([step]) => step as Step);
    const now = performance.now();
    const inferMs = now - started;
    const reply = packReply(
      {
        action: side(first, width),
        // A chunk must have exactly the length asked for; the client falls back to single actions without one.
        chunk: count > 1 && steps.every(({ length }) => length === count) ? side(steps.flat(), width) : undefined,
        notes: first.map(({ note }) => note),
        robots: batched ? steps.length : undefined,
        inferMs,
        previousTotalMs: this.previousTotalMs,
      },
      asked,
    );
    this.previousTotalMs = now - this.lastReplyAt;
    this.lastReplyAt = now;
    this.lastReply = reply;
    this.replies++;
    for (const [row, { note }] of first.entries()) this.robots[row]?.tell(note, inferMs);
    return reply;
  }
}

const sideBySide = <T>(tasks: readonly (() => Promise<T>)[]) => Promise.allSettled(tasks.map((task) => task()));

/** Actions one after the other, float32 [steps × width]. */
function side(steps: readonly Step[], width: number): Float32Array {
  const all = new Float32Array(steps.length * width);
  for (const [i, { action }] of steps.entries()) all.set(action, i * width);
  return all;
}
