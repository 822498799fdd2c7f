export { BASE_SCALE } from './controllers.ts';
export type { Snapshot, StepOutcome } from './episode.ts';
export {
  add,
  boxAround,
  boxGaps,
  clamp,
  distance,
  type Extent,
  matrixAt,
  multiply,
  type Quaternion,
  quaternionAt,
  rotate,
  rotateBack,
  subtract,
  turn,
  type Vector3,
  vectorAt,
  wrapAngle,
  yawQuaternion,
} from './geometry.ts';

export type { GraspMode, Hand } from './hands.ts';
export { Household, type HouseholdOptions } from './household.ts';
export { INSTANCE_RANGES, instanceIds, refuseHidden, SCENE_VERSION, type Split, splitOf } from './instances.ts';
export { ArmKinematics } from './kinematics.ts';
export { MUJOCO_VERSION, type Physics } from './mujoco.ts';
export { ROOM_LIGHT } from './render/shade.ts';
export {
  ACTUATORS,
  ARM_JOINTS,
  BASE_JOINTS,
  COLUMNS,
  HOUSEHOLD_ROBOT,
  RESET_POSE,
  SIDES,
  type Side,
  TORSO_JOINTS,
} from './robot.ts';
export type { SceneDescription } from './scene.ts';
export { ScenePainter } from './scenePainter.ts';
export { box, decoration, legs } from './scenery.ts';
export type { ExpertWorld, HomeTask, Situation, TaskExpert, TaskRuntime, World } from './task.ts';
export { LIMIT_YEARS, type LimitYear, timeLimit } from './timeLimit.ts';
