/** The embedded household: a robot, rooms and tasks on MuJoCo, with the challenge's observation, action and score. */
export { EpisodeLog, expertFilm, expertSheet, makeDemonstrations } from './demos/index.ts';
export { createExpert, type Expert, Motion, type Zone } from './expert/index.ts';
export { buttonBody, factsOf, PressButton, pressSensors, type Thing } from './fixtures/index.ts';
export { serveGym } from './gym/index.ts';
export {
  openPerturbed,
  PERTURBATION_AXES,
  PERTURBATIONS,
  type PerturbationRecord,
  type PerturbationSpec,
  PerturbedHousehold,
  parsePerturbations,
  perturbationName,
} from './perturb/index.ts';
export { type Fact, type FactOf, type Formula, type Goal, groundGoal, type Literal } from './score/index.ts';
export { HOME_TASKS, homeTask, openHousehold } from './tasks/index.ts';
export {
  box,
  distance,
  type ExpertWorld,
  type GraspMode,
  type Hand,
  HOUSEHOLD_ROBOT,
  type HomeTask,
  Household,
  type HouseholdOptions,
  INSTANCE_RANGES,
  instanceIds,
  LIMIT_YEARS,
  type LimitYear,
  legs,
  MUJOCO_VERSION,
  type Physics,
  type Quaternion,
  refuseHidden,
  SCENE_VERSION,
  type SceneDescription,
  ScenePainter,
  type Side,
  type Situation,
  type Snapshot,
  type Split,
  type StepOutcome,
  splitOf,
  type TaskExpert,
  type TaskRuntime,
  timeLimit,
  type Vector3,
  vectorAt,
  type World,
  yawQuaternion,
} from './world/index.ts';
