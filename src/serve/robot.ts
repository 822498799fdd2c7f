import { ValetError } from '../base/index.ts';
import type { PolicyNote, Session } from '../control/policy.ts';
import type { PlanRequest, Prediction } from '../model/plan.ts';
import { decodeJpegs, observationFromWire } from './observation.ts';
import { Float, NumpyArray, type Packable, type WireValue } from './value.ts';

/** Numbers of one action (FACTS 2.4). */
const WIDTH = 23;

/** Planning failed, as against a message that was wrong; the client learns no more than that. */
export class PlanError extends ValetError {
  override name = 'PlanError';
}

/**
 * One robot at the other end of a connection: takes its messages in order and answers each observation with one reply.
 * Holds the robot's session; knows nothing of sockets.
 */
export class Robot {
  /** Actions already made for a chunk request that could not be filled; they go out one by one. */
  private left: { readonly action: Float32Array; readonly note: PolicyNote }[] = [];
  private taskId: number | undefined;
  private lastReply = performance.now();
  private previousTotalMs: number | undefined;

  constructor(
    private readonly session: Session,
    private readonly plan: (request: PlanRequest) => Promise<Prediction>,
  ) {}

  /**
   * The reply to one message; undefined after a reset, which is never answered (whatever else is in it).
   * @throws InputError for a message that is wrong, PlanError when no usable plan was made
   */
  async answer(message: WireValue): Promise<{ readonly [key: string]: Packable } | undefined> {
    if (message instanceof Map && message.has('reset')) {
      this.left = [];
      this.session.reset();
      return undefined;
    }
    const started = performance.now();
    const { observation, batched, chunkSize, wantsNote } = observationFromWire(await decodeJpegs(message));
    // Without a task id (-1) the task stays as it is.
    if (observation.taskId !== -1 && observation.taskId !== this.taskId) {
      this.left = [];
      this.taskId = observation.taskId;
    }
    if (this.left.length === 0) {
      this.session.observe(observation);
      if (this.session.needsPlan()) await this.makePlan();
      this.left.push(this.next());
      // The rest of a chunk needs no observation as long as the last plan covers it.
      while (this.left.length < chunkSize && !this.session.needsPlan()) this.left.push(this.next());
    }
    const first = this.left[0]!;
    const lead = batched ? [1] : [];
    const reply: { [key: string]: Packable } = { action: NumpyArray.of(first.action, [...lead, WIDTH]) };
    // A chunk must have exactly the length asked for; the client falls back to single actions without one.
    if (chunkSize > 1 && this.left.length === chunkSize) {
      const chunk = new Float32Array(chunkSize * WIDTH);
      for (const [row, { action }] of this.left.entries()) chunk.set(action, row * WIDTH);
      reply['action_chunk'] = NumpyArray.of(chunk, [...lead, chunkSize, WIDTH]);
      this.left = [];
    } else this.left.shift();
    if (wantsNote) reply['policy_note'] = { ...first.note };
    reply['server_timing'] = {
      infer_ms: new Float(performance.now() - started),
      ...(this.previousTotalMs === undefined ? {} : { prev_total_ms: new Float(this.previousTotalMs) }),
    };
    const now = performance.now();
    this.previousTotalMs = now - this.lastReply;
    this.lastReply = now;
    return reply;
  }

  private async makePlan(): Promise<void> {
    const prediction = await this.plan(this.session.planRequest());
    if (!prediction.actions.every(Number.isFinite)) throw new PlanError('plan', 'holds numbers that are not finite.');
    if (prediction.stageLogits.some(Number.isNaN))
      throw new PlanError('plan', 'holds stage logits that are not numbers.');
    this.session.accept(prediction);
  }

  private next(): { action: Float32Array; note: PolicyNote } {
    const action = this.session.next();
    if (action.length !== WIDTH || !action.every(Number.isFinite))
      throw new PlanError('action', 'is not 23 finite numbers.');
    return { action: Float32Array.from(action), note: this.session.note };
  }
}
