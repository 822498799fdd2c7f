/** The embedded household: a robot, rooms and tasks on MuJoCo, with the challenge's observation, action and score. */
export { contactSheet, type DemoOptions, type DemoSummary, makeDemonstrations } from './demos/index.ts';
export { Motion, type Zone } from './expert/index.ts';
export {
  createExpert,
  type Expert,
  HOME_TASKS,
  type HouseholdTask,
  homeTask,
  openHousehold,
  type TaskExpert,
} from './tasks/index.ts';
export {
  box,
  type Goal,
  HOUSEHOLD_ROBOT,
  type HomeTask,
  Household,
  type HouseholdOptions,
  INSTANCE_RANGES,
  instanceIds,
  type Literal,
  legs,
  MUJOCO_VERSION,
  type Quaternion,
  type SceneDescription,
  type Situation,
  type Split,
  type StepResult,
  splitOf,
  type TaskRuntime,
  type Vector3,
  type World,
} from './world/index.ts';
