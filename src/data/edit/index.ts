/** New data sets of the episodes of others. */
export type { KeptEpisode } from './keptEpisode.ts';
export { mergedEpisodes } from './mergedEpisodes.ts';
export { type EpisodeFilter, selectEpisodes } from './selectEpisodes.ts';
export { type SetPart, splitEpisodes } from './splitEpisodes.ts';
export { trimmedEpisodes } from './trimmedEpisodes.ts';
export type { Edited } from './v21Set.ts';
export { writeSet } from './writeSet.ts';
