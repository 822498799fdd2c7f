import { BEHAVIOR_TASKS, compressChunk, type Observation, R1PRO, stateFromProprioception } from '../action/index.ts';
import { InputError, ValetError } from '../base/index.ts';
import type { PlanRequest, Prediction } from '../model/plan.ts';
import type { PolicyNote, Session } from './policy.ts';
import { correct } from './rules.ts';
import { FIRST_STAGE, type StageState, voteOnStage } from './stageTracker.ts';

export interface SessionOptions {
  /** Rows of a plan that are executed (26), in `executeSteps` control steps (20). */
  readonly executeActions: number;
  readonly executeSteps: number;
  /** Rows after them that the next plan keeps to (4). */
  readonly keepActions: number;
  /** Stage votes remembered (3) and needed to go on (2). */
  readonly historyLength: number;
  readonly votes: number;
  /** Correction rules. */
  readonly rules: boolean;
  /** Squeeze plans in time. */
  readonly compress: boolean;
  /** Do not squeeze a plan in which a gripper moves. */
  readonly gripperCheck: boolean;
  /** Seed of the plans' noise; each plan of each episode gets its own. */
  readonly seed: string | number;
  /** Stages of each task by id; the challenge's by default. */
  readonly taskNumStages: readonly number[];
}

/** The original's settings. */
export const SESSION_DEFAULTS: SessionOptions = {
  executeActions: 26,
  executeSteps: 20,
  keepActions: 4,
  historyLength: 3,
  votes: 2,
  rules: true,
  compress: true,
  gripperCheck: true,
  seed: 0,
  taskNumStages: BEHAVIOR_TASKS.map((task) => task.numStages),
};

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
}

export interface EpisodeSession extends Session {
  readonly detail: SessionDetail;
}

/**
 * A session of one robot (golden case executor). A new task id starts it over; `reset` too, but keeps the task. An observation without a task id (-1)
 * leaves the task as it is; before the first one there are no rules and no votes.
 * @throws InputError for options that cannot work
 */
export function createSession(options: Partial<SessionOptions> = {}): EpisodeSession {
  return new ChunkSession(withDefaults(options));
}

function withDefaults(options: Partial<SessionOptions>): SessionOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all: SessionOptions = { ...SESSION_DEFAULTS, ...given };
  const atLeast = (
    name: 'executeActions' | 'executeSteps' | 'keepActions' | 'historyLength' | 'votes',
    low: number,
  ) => {
    if (!Number.isInteger(all[name]) || all[name] < low)
      throw new InputError(
        'session',
        `${name} out of range (got ${all[name]}, expected an integer of at least ${low}).`,
      );
  };
  atLeast('executeActions', 1);
  atLeast('executeSteps', 1);
  atLeast('keepActions', 0);
  atLeast('historyLength', 1);
  atLeast('votes', 1);
  return all;
}

class ChunkSession implements EpisodeSession {
  private taskId = -1;
  private tracker: StageState = FIRST_STAGE;
  private state: Float32Array | undefined;
  private observation: Observation | undefined;
  private plan: { readonly actions: Float64Array; readonly rows: number; readonly compressed: boolean } | undefined;
  private served = 0;
  private prefix: { readonly rows: number; readonly actions: Float64Array } | undefined;
  private episode = 0;
  private plans = 0;
  private lastNote: PolicyNote = { planned: false, stage: 0 };
  private pending: { rule?: string } | undefined;

  constructor(private readonly options: SessionOptions) {}

  get note(): PolicyNote {
    return this.lastNote;
  }

  get detail(): SessionDetail {
    const { taskId, tracker, served, plan } = this;
    return { taskId, stage: tracker.stage, history: tracker.history, served, rows: plan?.rows ?? 0 };
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
    this.tracker = FIRST_STAGE;
    this.plan = undefined;
    this.served = 0;
    this.prefix = undefined;
    this.pending = undefined;
  }

  observe(observation: Observation): void {
    const { taskId } = observation;
    if (taskId !== -1 && this.options.taskNumStages[taskId] === undefined)
      throw new InputError(
        'session',
        `unknown task id (got ${taskId}, expected 0…${this.options.taskNumStages.length - 1}, or -1 for none).`,
      );
    const state = stateFromProprioception(observation.proprioception);
    const bad = state.findIndex((x) => !Number.isFinite(x));
    if (bad >= 0)
      throw new InputError('session', `the robot's state is not finite (got ${state[bad]} at ${bad} of 23).`);
    if (taskId !== -1 && taskId !== this.taskId) {
      this.taskId = taskId;
      this.startOver();
    }
    this.state = state;
    this.observation = observation;
  }

  needsPlan(): boolean {
    return !this.plan || this.served >= this.plan.rows;
  }

  planRequest(): PlanRequest {
    const { state, observation, tracker, prefix, options } = this;
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

  accept({ actions, horizon, stageLogits }: Prediction): void {
    const { options, state, taskId } = this;
    if (!state) throw new ValetError('session', 'a plan came before any observation.');
    const { width } = R1PRO;
    if (actions.length !== horizon * width)
      throw new ValetError(
        'session',
        `a plan of the wrong size (got ${actions.length} numbers, expected ${horizon}×${width}).`,
      );
    if (!actions.every(Number.isFinite)) throw new ValetError('session', 'the plan holds numbers that are not finite.');
    const knowsTask = taskId !== -1;
    let chunk = actions;
    let rule: string | undefined;
    const { stage } = this.tracker;
    const [left, right] = R1PRO.gripperColumns.map((column) => state[column]!) as [number, number];
    const correction = options.rules && knowsTask ? correct(taskId, stage, left, right) : undefined;
    if (correction) {
      rule = correction.rule;
      if (correction.stage !== stage) this.tracker = { stage: correction.stage, history: [] };
      if (correction.openLeft || correction.openRight) chunk = holdStill(state, horizon, correction);
    }
    const next = compressChunk(chunk, {
      execute: options.executeActions,
      keep: options.keepActions,
      steps: options.executeSteps,
      gripperCheck: options.gripperCheck,
      compress: options.compress,
    });
    this.plan = next;
    this.served = 0;
    this.prefix = { rows: next.nextRows, actions: next.nextPrefix };
    this.plans++;
    this.pending = { rule };
    if (knowsTask) this.tracker = voteOnStage(this.tracker, stageLogits, options.taskNumStages[taskId]!, options);
  }

  next(): Float32Array {
    const { plan, served, pending } = this;
    if (!plan || served >= plan.rows)
      throw new ValetError('session', 'there is no plan to go on with. Accept one first.');
    const { width } = R1PRO;
    this.served++;
    this.pending = undefined;
    this.lastNote = {
      planned: pending !== undefined,
      stage: this.tracker.stage,
      compressed: plan.compressed,
      ...(pending?.rule && { rule: pending.rule }),
    };
    return Float32Array.from(plan.actions.subarray(served * width, (served + 1) * width));
  }
}

/** The present state, over and over, with a gripper opened; the base's commands are its measured velocities, as in the original. */
function holdStill(
  state: Float32Array,
  horizon: number,
  { openLeft, openRight }: { openLeft: boolean; openRight: boolean },
): Float64Array {
  const row = Float64Array.from(state);
  if (openLeft) row[R1PRO.gripperColumns[0]!] = 1;
  if (openRight) row[R1PRO.gripperColumns[1]!] = 1;
  const chunk = new Float64Array(horizon * row.length);
  for (let t = 0; t < horizon; t++) chunk.set(row, t * row.length);
  return chunk;
}
