/** What most programs need. Everything else stands in the entry of its layer: `valet-vla/robot`, `valet-vla/home`, … */
export { type ChunkStatistics, readNormStats, writeNormStats } from './action/index.ts';
export { InputError, packageVersion, ValetError } from './base/index.ts';
export { type CorrectionRule, createPolicy, createSession, type SessionOptions } from './control/index.ts';
export { datasetStatistics, openDataset } from './data/index.ts';
export {
  type Environment,
  type EvaluationSummary,
  evaluate,
  evaluatePolicy,
  runEpisode,
} from './evaluate/index.ts';
export { HOME_TASKS, makeDemonstrations, openHousehold } from './home/index.ts';
export { type Checkpoint, checkpointFolder, createPlanner, readCheckpoint } from './model/index.ts';
export {
  chosenRobot,
  type Observation,
  type Picture,
  type Planner,
  type PlanRequest,
  type Policy,
  type PolicyNote,
  type Prediction,
  parseRobot,
  ROBOTS,
  type Robot,
  readRobot,
  robotNamed,
  type Session,
  stateOf,
} from './robot/index.ts';
export { RemotePolicy, type ServerOptions, startServer } from './serve/index.ts';
export { loadTrainConfig, train } from './train/index.ts';
