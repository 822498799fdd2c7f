import type { Robot } from '../../robot/index.ts';
import { type BadNumber, badNumberWords } from './badNumbers.ts';
import type { LoadedEpisode } from './decode.worker.ts';
import type { PlannedEpisode } from './planSamples.ts';

/** A sample of an episode whose pictures cannot be read. */
export interface UnreadablePictures {
  readonly sample: number;
  /** Number of the data folder, the episode, and the frame at which the sample begins. */
  readonly folder: number;
  readonly episode: number;
  readonly frame: number;
  readonly what: 'pictures';
  /** The error, with the video's path. */
  readonly problem: string;
}

/** A sample that nothing can be learned from, and why. */
export type BadSample = BadNumber | UnreadablePictures;

/** All samples of an episode whose pictures cannot be read; none of another. */
export const unreadablePictures = (
  { dataset, episode, starts, firstSample }: PlannedEpisode,
  { unreadable: problem }: Pick<LoadedEpisode, 'unreadable'>,
): UnreadablePictures[] =>
  problem === undefined
    ? []
    : Array.from({ length: starts.count }, (_, i) => ({
        ...{
          sample: firstSample + i,
          folder: dataset,
          episode: episode.index,
          frame: starts.first + i * starts.stride,
        },
        ...{ what: 'pictures', problem },
      }));

/** One of each sample, in the order of the samples: what cannot be read comes before what it says. */
export function oneOfEach(unreadable: readonly UnreadablePictures[], numbers: readonly BadNumber[]): BadSample[] {
  const seen = new Set(unreadable.map(({ sample }) => sample));
  return [...unreadable, ...numbers.filter(({ sample }) => !seen.has(sample))].sort((a, b) => a.sample - b.sample);
}

/** A bad sample in words: what, where. @param dir the data folder's path */
export const badWords = (bad: BadSample, dir: string, robot: Robot): string =>
  bad.what === 'pictures' ? `${dir}: episode ${bad.episode}: ${bad.problem}` : badNumberWords(bad, dir, robot);
