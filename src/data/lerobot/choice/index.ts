export type { CameraChoice } from './cameraChoice.ts';
export type { DataChoice, EpisodeRange } from './dataChoice.ts';
export {
  chooseOf,
  openPlaces,
  openSets,
  type SetPlace,
  setPlace,
  threadPlace,
  usedFeatures,
  without,
} from './openSets.ts';
export { missingFiles, missingSentence } from './presence.ts';
export type { TaskConflict } from './taskConflicts.ts';
export { readTaskMap } from './taskMap.ts';
