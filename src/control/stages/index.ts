/** System 2's stage tracker: votes over predicted stages. */
export { FIRST_STAGE, type StageState, voteOnStage } from './stageTracker.ts';
