import { requireFinite } from '../../control/index.ts';
import type { Picture } from '../../robot/index.ts';
import { planInTime, type UrgentPlanner } from './urgentPlanner.ts';

/**
 * Makes a plan for black pictures and a robot at zero, before all that wait.
 * @throws when that fails, takes longer than `timeoutMs`, is not wanted any more, or is not finite
 */
export async function tryPlanner(
  planner: UrgentPlanner,
  taskId: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const { imageSize: side, robot } = planner;
  const black: Picture = { width: side, height: side, channels: 3, data: new Uint8Array(side * side * 3) };
  const pictures = Object.fromEntries(robot.cameraNames.map((camera) => [camera, black]));
  const request = { taskId, stage: 0, state: new Float32Array(robot.width), pictures, seed: 'trial' };
  const predictions = await planInTime(planner, [request], timeoutMs, { signal, first: true });
  for (const { actions, stageLogits } of predictions) requireFinite(actions, stageLogits);
}
