/** The embedded household: a robot, rooms and tasks on MuJoCo, with the challenge's observation, action and score. */
export { contactSheet, makeDemonstrations } from './demos/index.ts';
export { createExpert, type Expert, HOME_TASKS, homeTask, openHousehold } from './tasks/index.ts';
export {
  Household,
  INSTANCE_RANGES,
  instanceIds,
  MUJOCO_VERSION,
  type SceneDescription,
  type Split,
  splitOf,
} from './world/index.ts';
