import { InputError } from '../../base/index.ts';
import { HOUSEHOLD_ROBOT } from '../world/index.ts';

export interface DemoOptions {
  readonly tasks: readonly string[];
  /** Episodes of each task; with `correct` clips, from as many scenes as it takes. */
  readonly episodes: number;
  readonly out: string;
  readonly seed?: number;
  /** Keep only a random window of so many seconds of each scene. */
  readonly clipSeconds?: number;
  /** Share of windows before which the robot is pushed off its way. */
  readonly disturbance?: number;
  /** With `correct`: share of the scenes in which the expert plays up to some moment first (0). */
  readonly late?: number;
  /** Of windows and corrections: they begin in the first so many seconds of a scene. */
  readonly until?: number | undefined;
  readonly imageSize?: number;
  /** Draw the pictures of every n-th frame alone, for a training whose `frameStride` is a multiple of it. */
  readonly picturesEvery?: number | undefined;
  readonly workers?: number;
  /** Checkpoint folder: its policy drives, the expert corrects. */
  readonly correct?: string;
  /** Correct it also with statistics that it was not trained with. */
  readonly otherStatistics?: boolean | undefined;
  readonly replace?: boolean;
  /** Go on with the unfinished data set beside `out`. */
  readonly resume?: boolean;
  /** Aborting it ends the work; what is done is kept for `resume`. */
  readonly signal?: AbortSignal;
  readonly silent?: boolean;
}

export interface DemoSummary {
  readonly episodes: number;
  readonly frames: number;
  readonly seconds: number;
  /** Scenes that were left out because the expert failed. */
  readonly expertFailures: number;
  /** Scenes that the episodes are from. */
  readonly scenes: number;
  /** Corrections: episodes that are missing, by task: so many scenes in a row had given nothing to correct. */
  readonly missing?: Readonly<Record<string, number>>;
  /** Corrections: share of scenes in which the policy, helped now and then by the expert, reached the goal. */
  readonly helpedSuccess?: number;
  readonly out: string;
}

/** Longer than any scene. */
const MOST_CLIP_SECONDS = 600;

/** @throws InputError for what cannot be made */
export function checkDemoOptions({ episodes, seed = 0, workers = 2, clipSeconds, until, correct }: DemoOptions): void {
  const where = 'home demos';
  if (!Number.isSafeInteger(episodes) || episodes < 1)
    throw new InputError(where, `the number of episodes must be an integer from 1 on (got ${episodes}).`);
  if (!Number.isSafeInteger(seed) || seed < 0 || seed > 1e6)
    throw new InputError(where, `the seed must be an integer from 0 to 1000000 (got ${seed}).`);
  if (!Number.isSafeInteger(workers) || workers < 1)
    throw new InputError(where, `the number of workers must be an integer from 1 on (got ${workers}).`);
  if (until !== undefined && !(until > 0 && (clipSeconds !== undefined || correct !== undefined)))
    throw new InputError(
      where,
      `until must be seconds above 0, for windows or corrections (got ${until}). Leave it out for whole scenes.`,
    );
  const chunkSeconds = HOUSEHOLD_ROBOT.horizon / HOUSEHOLD_ROBOT.rate;
  if (clipSeconds !== undefined && !(clipSeconds > chunkSeconds && clipSeconds <= MOST_CLIP_SECONDS))
    throw new InputError(
      where,
      `a clip lasts more than ${chunkSeconds} second, the length of a chunk, and at most ${MOST_CLIP_SECONDS} ` +
        `seconds (got ${clipSeconds}). Leave it out for whole scenes.`,
    );
}
