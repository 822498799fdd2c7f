import type { Pictures } from './observation.ts';
import type { Robot } from './robot.ts';

/** What a plan is made from: one robot at one moment. */
export interface PlanRequest {
  readonly taskId: number;
  readonly stage: number;
  /** [width] in physical units, in the order of the action's columns. */
  readonly state: Float32Array;
  readonly pictures: Pictures;
  /**
   * Actions that the last plan promised for the first steps of this one, absolute, [rows, width]; absent for a fresh
   * start.
   */
  readonly prefix?: { readonly rows: number; readonly actions: Float64Array };
  /** Seed of this plan's noise; the same request and seed give the same actions. */
  readonly seed: string;
}

/** What heads beside the plan say of the episode, where the network has them; each in 0…1. */
export interface HeadsReading {
  /** Probability that it ends at its goal. */
  readonly success?: number;
  /** Share of its time that has passed, if it ends at its goal. */
  readonly progress?: number;
}

/** What the network answers. */
export interface Prediction {
  /** Absolute actions, [horizon, width], float64. */
  readonly actions: Float64Array;
  readonly horizon: number;
  /** Stage logits [maxStages]; -Infinity beyond the task's number of stages. */
  readonly stageLogits: Float32Array;
  readonly heads?: HeadsReading;
}

/** Milliseconds of the parts of a pass: pictures, state and noise; the prefix pass; the Euler steps. */
export interface PlanTiming {
  readonly prepareMs: number;
  readonly prefixMs: number;
  readonly denoiseMs: number;
}

/** Makes plans. Several requests share one pass when the implementation batches. */
export interface Planner {
  /** Side length in pixels of the square pictures that the network takes. */
  readonly imageSize: number;
  /** Whose actions it plans. */
  readonly robot: Robot;
  plan(requests: readonly PlanRequest[]): Promise<Prediction[]>;
  close(): Promise<void>;
}
