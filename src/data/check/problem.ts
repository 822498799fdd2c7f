import type { ValetError } from '../../base/index.ts';

/** What can be wrong; the word is stable, for scripts. */
export type ProblemCode =
  | 'index' // an index file (info.json, tasks, episodes) cannot be used
  | 'totals' // info.json's totals are not those of the episodes
  | 'task' // an episode's task is not in the list of tasks, or what names it contradicts
  | 'data-missing'
  | 'data-broken'
  | 'data-unlisted' // a parquet file that no episode names
  | 'column-missing'
  | 'column-width' // numbers per row differ from info.json's features
  | 'row-count'
  | 'not-finite'
  | 'too-large' // beyond what statistics and training take
  | 'timestamp' // not row / fps
  | 'row-numbers' // index, episode_index or task_index column
  | 'video-missing'
  | 'video-unlisted' // a video that no episode names
  | 'video-broken'
  | 'video-frames' // another number of frames than rows
  | 'video-rate' // frames a second differ from info.json's fps
  | 'video-size' // width or height differ from info.json's features
  | 'annotation'
  | 'metainfo'
  | 'stage'
  // Of notes: what shows in all numbers together.
  | 'equal-episodes'
  | 'still' // actions that never change
  | 'base-velocity' // the state of a base that is driven stands still
  | 'gripper' // another way than the robot's grippers have
  | 'limits';

export interface Problem {
  readonly code: ProblemCode;
  /** File, below the data set's folder. */
  readonly where: string;
  readonly message: string;
}

/** Takes note of a problem; `where` is a file's whole path. */
export type ReportProblem = (code: ProblemCode, where: string, message: string) => void;

/** An error's message without the file, which is told beside it. */
export const withoutPlace = (error: ValetError) => error.message.replace(`${error.where}: `, '');
