/** New data sets of the episodes of others. */
export { annotatedStages } from './annotatedStages.ts';
export type { KeptEpisode } from './keptEpisode.ts';
export { mergedEpisodes } from './mergedEpisodes.ts';
export { type EpisodeFilter, selectEpisodes } from './selectEpisodes.ts';
export { type SetPart, splitEpisodes } from './splitEpisodes.ts';
export { readStageMapping } from './stageMapping.ts';
export { trimmedEpisodes } from './trimmedEpisodes.ts';
export type { Edited } from './v21Set.ts';
export { type WriteSetOptions, writeSet } from './writeSet.ts';
