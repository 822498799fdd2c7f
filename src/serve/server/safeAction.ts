import type { Robot } from '../../robot/index.ts';

/**
 * What a robot can do without a plan: its joints stay where they are, its base stands, its grippers stay within closed
 * and open.
 * @param state float32 [width] @returns float32 [width]
 */
export function holdStill(state: Float32Array, robot: Robot): Float32Array {
  const action = state.slice();
  for (const column of robot.baseColumns) action[column] = 0;
  for (const { column, closed, open } of robot.grippers) {
    const [low, high] = [Math.min(closed, open), Math.max(closed, open)];
    action[column] = Math.min(high, Math.max(low, action[column] ?? low));
  }
  return action;
}
