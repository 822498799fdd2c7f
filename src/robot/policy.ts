import type { Observation } from './observation.ts';
import type { HeadsReading, PlanRequest, PlanTiming, Prediction } from './plan.ts';
import type { Robot } from './robot.ts';

/**
 * Anything that drives a robot: the network behind its System 2, an expert, a server far away. One policy is one robot.
 */
export interface Policy {
  /** The robot that it drives; left out by a policy that cannot know it. */
  readonly robot?: Robot;
  /** Forgets the episode. */
  reset(): Promise<void>;
  /** One control step: the robot's next action, [width]. */
  act(observation: Observation): Promise<Float32Array>;
  /** What happened in the last `act`, for the rollout record: the stage, a rule that fired, whether a plan was made. */
  readonly note?: PolicyNote;
  /** The plan that the last `act` made, for the rollout record; nothing where it made none, or cannot tell. */
  readonly plan?: PlanRecord | undefined;
  /** Requests to a server since the reset; left out by a policy that has none. */
  readonly queries?: number;
  close(): Promise<void>;
}

/** One plan, as records keep it. */
export interface PlanRecord {
  /** Milliseconds until it was there, without the wait for others in its pass. */
  readonly ms: number;
  /** Of its parts, where the planner tells. */
  readonly parts?: PlanTiming | undefined;
  /** What the network predicted, before rules and compression: absolute, float64 [rows, width]; unknown of a server. */
  readonly actions?: Float64Array;
  /** Rows that the plan before had promised and this one began with. */
  readonly kept?: number;
  /** What heads beside the plan said, where the network has them. */
  readonly heads?: HeadsReading | undefined;
}

export interface PolicyNote {
  readonly planned: boolean;
  readonly stage: number;
  /** The stage that the step's plan predicted, before the vote. */
  readonly predicted?: number;
  /** A rule that fired in this step, by name, and why. */
  readonly rule?: string;
  readonly reason?: string;
  readonly compressed?: boolean;
}

/**
 * The thin System 2 of one episode: stage tracker, correction rules, chunk executor. Pure and synchronous: no I/O, no
 * clock, no randomness of its own. Per control step: `observe`; if `needsPlan()`, make a plan from `planRequest()` and
 * `accept` it; then `next()`.
 */
export interface Session {
  readonly robot: Robot;
  reset(): void;
  observe(observation: Observation): void;
  needsPlan(): boolean;
  planRequest(): PlanRequest;
  accept(prediction: Prediction): void;
  next(): Float32Array;
  readonly note: PolicyNote;
}
