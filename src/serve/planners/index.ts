export { BusyError, type Urgency, type UrgentPlanner } from './batch.ts';
export {
  type CheckpointMapping,
  CheckpointSwitcher,
  folderOfTask,
  parseCheckpointMapping,
  ranges,
  readCheckpointMapping,
} from './checkpointMapping.ts';
export { CheckpointPool } from './checkpointPool.ts';
export { planningWorkers } from './planningWorkers.ts';
export { taskStages } from './taskStages.ts';
