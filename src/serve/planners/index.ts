export { BatchingPlanner } from './batch.ts';
export { Caller, NobodyWaitsError } from './caller.ts';
export {
  type CheckpointMapping,
  CheckpointSwitcher,
  folderOfTask,
  parseCheckpointMapping,
  ranges,
  readCheckpointMapping,
} from './checkpointMapping.ts';
export { CheckpointPool } from './checkpointPool.ts';
export { folderFingerprint } from './folderFingerprint.ts';
export { readMappedCheckpoints } from './mappedCheckpoints.ts';
export { batchSizes, planningWorkers } from './planningWorkers.ts';
export { requireMapped } from './requireMapped.ts';
export { tryPlanner } from './tryPlanner.ts';
export { BusyError, PlanTooLateError, planInTime, type Urgency, type UrgentPlanner } from './urgentPlanner.ts';
