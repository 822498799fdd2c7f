import type { CameraChoice } from './cameraChoice.ts';
import type { TaskMap } from './taskMap.ts';

/** From the first to the last episode_index, both included. */
export type EpisodeRange = readonly [first: number, last: number];

/** What of data sets is taken, and what their words mean where they cannot tell; plain data. */
export interface DataChoice {
  /** The feature of each camera that is named; the others are found by their names. */
  readonly cameras?: CameraChoice | undefined;
  /** Only these tasks: names, sentences, numbers or ranges of numbers. */
  readonly tasks?: readonly string[] | undefined;
  /** Only the episodes with these numbers. */
  readonly episodes?: readonly EpisodeRange[] | undefined;
  /** Leave out episodes whose files are not there, instead of refusing. */
  readonly available?: boolean | undefined;
  /** What the sets' own tasks are among the tasks of all sets. */
  readonly taskMap?: TaskMap | undefined;
}
