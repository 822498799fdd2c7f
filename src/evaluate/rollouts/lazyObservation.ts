import type { Household } from '../../home/index.ts';
import { CHALLENGE_ROBOT, type Observation, type Picture } from '../../robot/index.ts';

/** What the robot senses, with pictures that are drawn when somebody looks: a policy looks only when it plans. Good until the next step. */
export function lazyObservation(household: Household): Observation {
  const { proprioception, taskId } = household.observe({ cameras: false });
  const pictures = {} as Record<string, Picture>;
  for (const name of CHALLENGE_ROBOT.cameraNames) {
    let drawn: Picture | undefined;
    Object.defineProperty(pictures, name, { enumerable: true, get: () => (drawn ??= household.cameraPicture(name)) });
  }
  return { proprioception, taskId, pictures };
}
