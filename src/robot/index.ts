/** What a robot is, as a value: its actions, deltas, grippers, rate, proprioception, cameras; the challenge's tasks; the interfaces of policies and planners. */
export { CAMERAS, type CameraName, type Observation, type Picture } from './observation.ts';
export type { Planner, PlanRequest, PlanTiming, Prediction } from './plan.ts';
export type { Policy, PolicyNote, Session } from './policy.ts';
export {
  encodeProprioception,
  PROPRIOCEPTION_2025,
  type ProprioceptionField,
  proprioceptionField,
  proprioceptionLayout,
  STATE_FIELDS,
  stateFromProprioception,
} from './proprioception.ts';
export { type ActionSpace, R1PRO } from './space.ts';
export { BEHAVIOR_TASKS, stageAtTime, taskById } from './tasks.ts';
