import type { Dataset } from '../lerobot/index.ts';
import { type KeptEpisode, wholeEpisode } from './keptEpisode.ts';

export interface TrimOptions {
  /** A number that changes by less than this from frame to frame stands still, in its own unit. */
  readonly still: number;
  /** Frames that are kept before the first motion and after the last. */
  readonly margin: number;
  /** Columns of which one must move. */
  readonly columns?: readonly string[];
}

/**
 * The episodes of a set without the frames at either end in which nothing moves: neither what was commanded nor the
 * state. An episode without any motion is kept whole.
 */
export async function trimmedEpisodes(set: Dataset, options: TrimOptions): Promise<KeptEpisode[]> {
  const {
    still,
    margin,
    columns = ['action', 'observation.state'].filter((name) => name in set.info.features),
  } = options;
  const kept: KeptEpisode[] = [];
  for (const episode of set.episodes) {
    const read = await set.columns(episode, columns);
    const moves = (frame: number) =>
      columns.some((name) => {
        const { data, width = 0 } = read[name] ?? {};
        for (let i = frame * width; data && i < (frame + 1) * width; i++)
          if (Math.abs((data[i] ?? 0) - (data[i - width] ?? 0)) >= still) return true;
        return false;
      });
    const moving = Array.from({ length: episode.length - 1 }, (_, i) => i + 1).filter(moves);
    const [first = 1, last = episode.length] = [moving[0], moving.at(-1)];
    const from = Math.max(0, first - 1 - margin);
    kept.push({
      ...wholeEpisode(set, episode),
      from: from - (from % (set.info.pictures_every ?? 1)), // the first row keeps a picture of its own
      to: Math.min(episode.length, last + 1 + margin),
    });
  }
  return kept;
}
