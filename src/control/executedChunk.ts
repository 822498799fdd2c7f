import type { CompressionOptions } from '../action/index.ts';
import type { Robot } from '../robot/index.ts';
import { correct, gripperStates } from './rules.ts';
import type { ResolvedOptions } from './sessionOptions.ts';

/** A plan as it came, and where the robot was. */
interface Planned {
  /** [horizon, width] */
  readonly actions: Float64Array;
  readonly horizon: number;
  readonly state: Float32Array;
  readonly taskId: number;
  readonly stage: number;
}

/** A plan after the correction rules: one that opens a gripper holds still until the next plan. */
export function corrected(
  { actions, horizon, state, taskId, stage }: Planned,
  { robot, rules, context }: ResolvedOptions,
) {
  if (taskId === -1) return { chunk: actions };
  const situation = { task: taskId, stage, grippers: gripperStates(state, robot) };
  const correction = correct(situation, { rules: rules.corrections, context });
  if (!correction || correction.open.length === 0) return { chunk: actions, correction };
  return { chunk: holdStill(state, horizon, correction.open, robot), correction };
}

/** How the session's options have a plan squeezed in time. */
export function compressionOf(options: ResolvedOptions): CompressionOptions {
  const { executeActions, keepActions, executeSteps, gripperCheck, gripperChange, compress, baseFactor, robot } =
    options;
  return {
    execute: executeActions,
    keep: keepActions,
    steps: executeSteps,
    gripperCheck,
    gripperChange,
    compress,
    baseFactor,
    robot,
  };
}

/**
 * The present state, over and over, with grippers opened; the base's commands are its measured velocities, as in the
 * original.
 */
function holdStill(state: Float32Array, horizon: number, open: readonly string[], { grippers }: Robot): Float64Array {
  const row = Float64Array.from(state);
  for (const gripper of grippers) if (open.includes(gripper.name)) row[gripper.column] = gripper.open;
  const chunk = new Float64Array(horizon * row.length);
  for (let t = 0; t < horizon; t++) chunk.set(row, t * row.length);
  return chunk;
}
