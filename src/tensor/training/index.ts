export { TrainingState, type UpdateResult } from './trainingState.ts';
