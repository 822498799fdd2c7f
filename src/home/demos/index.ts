export { EpisodeLog } from './episodeLog.ts';
export { expertFilm } from './expertFilm.ts';
export { expertSheet } from './expertSheet.ts';
export { makeDemonstrations } from './makeDemonstrations.ts';
