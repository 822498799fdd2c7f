export { TrainingState } from './trainingState.ts';
