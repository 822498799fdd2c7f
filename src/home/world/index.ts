export { ACTION_WIDTH, BASE_SCALE, CONTROL_HZ, GRIPPER_COLUMNS } from './controllers.ts';
export {
  add,
  clamp,
  distance,
  type Quaternion,
  quaternionAt,
  rotate,
  subtract,
  turn,
  type Vector3,
  vectorAt,
  wrapAngle,
  yawQuaternion,
} from './geometry.ts';
export type { Goal, Literal } from './goal.ts';
export { Household, type HouseholdOptions, type Snapshot, type StepResult } from './household.ts';
export { INSTANCE_RANGES, instanceIds, type Split, splitOf } from './instances.ts';
export { ArmKinematics } from './kinematics.ts';
export { MUJOCO_VERSION } from './mujoco.ts';
export { armJoints, HOUSEHOLD_ROBOT, RESET_POSE, SIDES, type Side, TORSO_JOINTS } from './robot.ts';
export type { SceneDescription } from './scene.ts';
export { box, legs } from './scenery.ts';
export type { HomeTask, Situation, TaskRuntime, World } from './task.ts';
