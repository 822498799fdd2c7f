/** System 2's stage tracker: votes over predicted stages. */
export { FIRST_STAGE, predictedStage, type StageState, voteOnStage } from './stageTracker.ts';
