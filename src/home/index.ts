/** The embedded household: a robot, rooms and tasks on MuJoCo, with the challenge's observation, action and score. */

export { contactSheet } from './contactSheet.ts';
export { ACTION_WIDTH, BASE_SCALE, CONTROL_HZ } from './controllers.ts';
export { type DemoOptions, type DemoSummary, makeDemonstrations } from './demos/index.ts';
export { createExpert, type Expert } from './expert/index.ts';
export type { GraspMode } from './hands.ts';
export { Household, type HouseholdOptions, type Snapshot, type StepResult, TASK_INFO_KEYS } from './household.ts';
export { INSTANCE_RANGES, instanceIds, type Split, splitOf } from './instances.ts';
export { MUJOCO_VERSION } from './mujoco.ts';
export type { SceneDescription, ShapeName } from './scene.ts';
export type { ViewName } from './senses.ts';
export type { HomeTask, Situation } from './task.ts';
export { HOME_TASKS, homeTask } from './tasks/index.ts';
