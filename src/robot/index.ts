/**
 * What a robot is, as a value: its actions, deltas, grippers, rate, proprioception, cameras; the challenge's tasks; the
 * interfaces of policies and planners.
 */
export { deviationFloors } from './deviationFloors.ts';
export { type FakeObservationOptions, fakeObservation } from './fakeObservation.ts';
export type { Observation, Picture, Pictures } from './observation.ts';
export { type PhysicalUnit, physicalUnits } from './physicalUnits.ts';
export type { Planner, PlanRequest, PlanTiming, Prediction } from './plan.ts';
export type { PlanRecord, Policy, PolicyNote, Session } from './policy.ts';
export {
  type Combination,
  combined,
  encodeProprioception,
  layoutOfLength,
  proprioceptionField,
  stateOf,
  stateProblem,
} from './proprioception.ts';
export {
  type ActionPart,
  type Camera,
  closedOnNothing,
  dimensionName,
  type Gripper,
  isOpen,
  isWristCamera,
  type ProprioceptionLayout,
  parseRobot,
  type Robot,
  type RobotRecord,
  type RobotRecordInput,
  RobotRecordSchema,
  readRobot,
  robotRecord,
  sameRobot,
} from './robot.ts';
export { CHALLENGE_ROBOT, chosenRobot, ROBOTS, robotNamed } from './robots.ts';
export {
  neighboursOf,
  requireSuccessors,
  requireTaskSuccessors,
  type StageSuccessors,
  type TaskSuccessors,
} from './stageSuccessors.ts';
export { BEHAVIOR_STAGES, BEHAVIOR_TASKS, type BehaviorTask, stageAtTime, taskById, taskByName } from './tasks.ts';
