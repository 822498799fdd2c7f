import type { Observation, Pictures } from './observation.ts';
import type { Robot } from './robot.ts';
import { CHALLENGE_ROBOT } from './robots.ts';

export interface FakeObservationOptions {
  readonly taskId?: number;
  /** Numbers of proprioception; the robot's first layout when left out. */
  readonly length?: number;
  /** Height and width of every picture in pixels. */
  readonly imageSize?: number;
  /** Sets pictures and joints apart from those of another seed. */
  readonly seed?: number;
}

/**
 * An observation that a robot could make, for trying out policies and servers: joints near zero, open grippers,
 * pictures of a gradient.
 */
export function fakeObservation(
  robot: Robot = CHALLENGE_ROBOT,
  { taskId = 0, length, imageSize = 224, seed = 0 }: FakeObservationOptions = {},
): Observation {
  const layout = robot.proprioception.layouts.find((one) => one.length === length) ?? robot.proprioception.layouts[0];
  if (!layout) throw new Error(`robot ${robot.name} has no layout of proprioception`);
  const proprioception = Float32Array.from({ length: layout.length }, (_, i) => 0.1 * Math.sin(i + seed));
  let at = 0;
  for (const source of layout.state) {
    if ('sum' in source) {
      const gripper = robot.grippers.find(({ column }) => column === at);
      // What each summand must be for the gripper to stand open.
      const open = (((gripper?.open ?? source.add) - source.add) / source.multiply) * source.divide;
      for (const index of source.sum) proprioception[index] = open / source.sum.length;
      at++;
    } else
      for (let i = source.columns[0]; i < source.columns[1]; i++, at++) {
        const gripper = robot.grippers.find(({ column }) => column === at);
        if (gripper) proprioception[i] = gripper.open;
      }
  }
  const pictures: Pictures = Object.fromEntries(
    robot.cameraNames.map((name, camera) => {
      const data = Uint8Array.from(
        { length: imageSize * imageSize * 3 },
        (_, i) => (Math.floor(i / 3) + 40 * camera + 7 * seed + 80 * (i % 3)) & 255,
      );
      return [name, { width: imageSize, height: imageSize, channels: 3, data } as const];
    }),
  );
  return { proprioception, pictures, taskId };
}
