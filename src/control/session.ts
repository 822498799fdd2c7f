import { compressChunk } from '../action/index.ts';
import { InputError, present, ValetError } from '../base/index.ts';
import {
  type Observation,
  type PlanRequest,
  type PolicyNote,
  type Prediction,
  type Robot,
  type Session,
  stateOf,
} from '../robot/index.ts';
import { compressionOf, corrected } from './executedChunk.ts';
import { executionInChunks, promisedRows } from './execution.ts';
import { LookBack, momentsOf } from './lookBack.ts';
import { type ResolvedOptions, resolveOptions, type SessionOptions } from './sessionOptions.ts';
import { float32, float64, parseSnapshot, type SessionSnapshot, toBase64 } from './sessionSnapshot.ts';
import { Sight } from './sight.ts';
import { FIRST_STAGE, predictedStage, type StageState, voteOnStage } from './stages/index.ts';
import { requireFinite } from './unusablePlan.ts';

/** What a session is doing, for records and tests. */
export interface SessionDetail {
  /** The current task; -1 as long as nobody has said. */
  readonly taskId: number;
  readonly stage: number;
  readonly history: readonly number[];
  /** Rows of the current plan given out so far. */
  readonly served: number;
  /** Rows of the current plan in all. */
  readonly rows: number;
  /** The current plan is a rule's way back, not the network's. */
  readonly recovering: boolean;
}

export interface EpisodeSession extends Session {
  readonly detail: SessionDetail;
  /** Whether `next` cannot give `chunk` actions (1) in a row; a rule's way back is gone to its end first. */
  needsPlan(chunk?: number): boolean;
  /**
   * Takes a plan, to be executed in a multiple of `chunk` steps (1) where it is long enough (`executionInChunks`).
   * @throws UnusablePlanError for a plan that holds numbers that are not finite
   */
  accept(prediction: Prediction, chunk?: number): void;
  /** What was asked for and is off, because the robot lacks a part or its tasks are others; one line each. */
  readonly notices: readonly string[];
  /**
   * The next `count` actions (fewer where the plan ends before), absolute, as `next` will give them: [rows, width].
   * Changes nothing.
   */
  upcoming(count: number): { readonly rows: number; readonly actions: Float64Array };
  /**
   * All that the session knows, as plain JSON; pictures excepted, so take it after `accept` or `next`, not between
   * `observe` and `planRequest`.
   */
  snapshot(): SessionSnapshot;
  /**
   * Goes on from a snapshot, bit for bit, in a session of the same options.
   * @throws InputError for what is no snapshot, or does not fit
   */
  restore(snapshot: unknown): void;
}

/**
 * A session of one robot (golden case executor). A new task id starts it over; `reset` too, but keeps the task. An
 * observation without a task id (-1) leaves the task as it is; before the first one there are no rules and no votes.
 * @throws InputError for options that cannot work
 */
export function createSession(options: Partial<SessionOptions> = {}): EpisodeSession {
  return new ChunkSession(resolveOptions(options));
}

interface Plan {
  readonly actions: Float64Array;
  readonly rows: number;
  readonly compressed: boolean;
  readonly recovery: boolean;
}

/** Pictures of the last so many steps before a plan are remembered: one of them may stand in for a black one. */
const REMEMBERED = 3;

class ChunkSession implements EpisodeSession {
  private taskId = -1;
  private tracker: StageState = FIRST_STAGE;
  private state: Float32Array | undefined;
  private observation: Observation | undefined;
  private plan: Plan | undefined;
  private served = 0;
  private prefix: { readonly rows: number; readonly actions: Float64Array } | undefined;
  private episode = 0;
  private plans = 0;
  private lastNote: PolicyNote = { planned: false, stage: 0 };
  private pending: { planned: boolean; predicted?: number; rule?: string; reason?: string } | undefined;
  private readonly lookBack: LookBack;
  private readonly sight: Sight;
  readonly robot: Robot;
  readonly notices: readonly string[];

  constructor(private readonly options: ResolvedOptions) {
    this.lookBack = new LookBack(options);
    this.sight = new Sight(options.robot, options);
    this.notices = options.notices;
    this.robot = options.robot;
  }

  get note(): PolicyNote {
    return this.lastNote;
  }
  get detail(): SessionDetail {
    const { taskId, tracker, served, plan } = this;
    return { taskId, ...tracker, served, rows: plan?.rows ?? 0, recovering: plan?.recovery ?? false };
  }

  reset(): void {
    if (this.plans > 0) this.episode++;
    this.plans = 0;
    this.state = undefined;
    this.observation = undefined;
    this.lastNote = { planned: false, stage: 0 };
    this.startOver();
  }

  private startOver(): void {
    this.sight.reset();
    this.tracker = FIRST_STAGE;
    this.plan = undefined;
    this.served = 0;
    this.prefix = undefined;
    this.pending = undefined;
    this.lookBack.startOver();
  }

  observe(given: Observation): void {
    const observation = this.sight.see(given, this.needsPlan(REMEMBERED));
    const { taskId } = observation;
    const { robot, taskNumStages } = this.options;
    if (taskId !== -1 && taskNumStages[taskId] === undefined) {
      const expected = `0…${taskNumStages.length - 1}, or -1 for none`;
      throw new InputError('session', `unknown task id (got ${taskId}, expected ${expected}).`);
    }
    const state = stateOf(robot, observation.proprioception);
    if (taskId !== -1 && taskId !== this.taskId) {
      this.taskId = taskId;
      this.startOver();
    }
    this.state = state;
    this.observation = observation;
    this.lookBack.looked();
    this.recover(state);
  }

  /** Recovery rules: when one speaks, its way back takes the place of the plan, and the next plan starts afresh. */
  private recover(state: Float32Array): void {
    const { taskId, tracker, plan } = this;
    if (plan?.recovery && this.served < plan.rows) return;
    const recovery = this.lookBack.recovery({ task: taskId, stage: tracker.stage, state });
    if (!recovery) return;
    const { actions, rows, rule, reason } = recovery;
    this.plan = { actions, rows, compressed: false, recovery: true };
    this.served = 0;
    this.prefix = undefined;
    this.pending = { planned: false, rule, reason };
  }

  needsPlan(chunk = 1): boolean {
    const { plan, served } = this;
    return !plan || served >= plan.rows || (!plan.recovery && plan.rows - served < chunk);
  }

  planRequest(): PlanRequest {
    const { state, observation, tracker, options, plan, served } = this;
    const prefix = promisedRows(plan, served, this.prefix);
    if (!state || !observation) throw new ValetError('session', 'a plan needs an observation first.');
    return {
      taskId: this.taskId,
      stage: tracker.stage,
      state,
      pictures: observation.pictures,
      ...(prefix && { prefix }),
      seed: `${options.seed}/${this.episode}/${this.plans}`,
    };
  }

  accept({ actions, horizon, stageLogits }: Prediction, chunkSize = 1): void {
    const { options, state, taskId } = this;
    if (!state) throw new ValetError('session', 'a plan came before any observation.');
    requireWhole(actions, horizon, options.robot);
    requireFinite(actions, stageLogits);
    const { stage } = this.tracker;
    const { chunk, correction } = corrected({ actions, horizon, state, taskId, stage }, options);
    const next = compressChunk(chunk, compressionOf({ ...options, ...executionInChunks(options, chunkSize, horizon) }));
    if (correction && correction.stage !== stage) {
      const last = this.stages(taskId) - 1;
      this.tracker = { stage: Math.min(last, correction.stage), history: [] };
    }
    this.plan = { actions: next.actions, rows: next.rows, compressed: next.compressed, recovery: false };
    this.served = 0;
    this.prefix = { rows: next.nextRows, actions: next.nextPrefix };
    this.plans++;
    this.pending = { planned: true, ...(correction && { rule: correction.rule, reason: correction.reason }) };
    if (taskId === -1) return;
    this.pending.predicted = predictedStage(stageLogits, this.stages(taskId));
    this.tracker = voteOnStage(this.tracker, stageLogits, this.stages(taskId), votingOf(options, taskId));
  }

  /** How many stages a task has; `observe` has refused those that are unknown. */
  private stages(taskId: number): number {
    return present(this.options.taskNumStages[taskId], 'the stages of the task');
  }

  next(): Float32Array {
    const { plan, served, pending } = this;
    if (!plan || served >= plan.rows)
      throw new ValetError('session', 'there is no plan to go on with. Accept one first.');
    const { width } = this.options.robot;
    this.served++;
    this.pending = undefined;
    const { planned = false, ...why } = pending ?? {};
    this.lastNote = { planned, stage: this.tracker.stage, compressed: plan.compressed, ...why };
    const action = Float32Array.from(plan.actions.subarray(served * width, (served + 1) * width));
    this.lookBack.remember(this.state, action, plan.recovery);
    return action;
  }

  upcoming(count: number): { readonly rows: number; readonly actions: Float64Array } {
    const { plan, served } = this;
    const { width } = this.options.robot;
    const rows = Math.max(0, Math.min(count, (plan?.rows ?? 0) - served));
    const actions = plan?.actions.subarray(served * width, (served + rows) * width) ?? [];
    return { rows, actions: Float64Array.from(actions, Math.fround) };
  }

  snapshot(): SessionSnapshot {
    const { tracker, state, plan, prefix, pending } = this;
    return {
      version: 1,
      taskId: this.taskId,
      stage: tracker.stage,
      history: [...tracker.history],
      episode: this.episode,
      plans: this.plans,
      ...(state && { state: toBase64(state) }),
      ...(plan && { plan: { ...plan, actions: toBase64(plan.actions) } }),
      served: this.served,
      ...(prefix && { prefix: { rows: prefix.rows, actions: toBase64(prefix.actions) } }),
      ...(pending && { pending: { ...pending } }),
      note: { ...this.lastNote },
      ...this.lookBack.snapshot(),
    };
  }

  restore(value: unknown): void {
    const { taskId, stage, history, state, plan, prefix, pending, ...rest } = parseSnapshot(value);
    const { width } = this.options.robot;
    const numStages = this.options.taskNumStages[taskId];
    if (taskId !== -1 && (numStages === undefined || stage >= numStages))
      throw new InputError('session.restore', `task ${taskId} at stage ${stage} is unknown to this session.`);
    const moments = momentsOf(rest, this.robot);
    const restored = {
      state: state === undefined ? undefined : float32(state, width),
      plan: plan && unpacked(plan, width),
      prefix: prefix && unpacked(prefix, width),
    };
    this.taskId = taskId;
    this.tracker = { stage, history };
    this.state = restored.state;
    this.observation = undefined;
    this.plan = restored.plan;
    this.served = rest.served;
    this.prefix = restored.prefix;
    this.episode = rest.episode;
    this.plans = rest.plans;
    this.lastNote = rest.note;
    this.pending = pending;
    this.lookBack.restore(rest, moments);
  }
}

function requireWhole({ length }: Float64Array, horizon: number, { width }: Robot): void {
  if (length !== horizon * width)
    throw new ValetError('session', `a plan of the wrong size (got ${length} numbers, expected ${horizon}×${width}).`);
}

const votingOf = ({ historyLength, votes, stageSuccessors }: ResolvedOptions, taskId: number) => ({
  historyLength,
  votes,
  successors: stageSuccessors[taskId],
});

/** Rows of a snapshot as numbers. @throws InputError when they are not as many as it says */
const unpacked = <Rows extends { readonly rows: number; readonly actions: string }>(some: Rows, width: number) => ({
  ...some,
  actions: float64(some.actions, some.rows * width),
});
