import { InputError } from '../../base/index.ts';
import type { Dataset, Episode } from './dataset.ts';
import { sidePaths } from './sideFiles.ts';

/**
 * Has the files of episodes here while `work` reads them by their paths; of a set on this machine they are. Beside the
 * tables these are the videos of `features`.
 * @param options.optional what a server lacks is left out, also what stands beside an episode
 */
export function withFiles<T>(
  set: Dataset,
  episodes: readonly Episode[],
  features: readonly string[],
  work: () => Promise<T>,
  options: { readonly optional?: boolean } = {},
): Promise<T> {
  if (!set.remote) return work();
  const paths = episodes.flatMap((episode) => [set.dataPath(episode), ...videosOf(set, episode, features)]);
  if (!options.optional) return set.remote.using(paths, work);
  const sides = episodes.flatMap(({ index }) => sidePaths(set.root, set.info, index));
  return set.remote.using([...paths, ...sides], work, options);
}

/** The videos of an episode; none where the index names none: that is for who reads it to say. */
export function videosOf(set: Dataset, episode: Episode, features: readonly string[]): string[] {
  return features.flatMap((feature) => {
    if (set.info.features[feature]?.dtype !== 'video') return [];
    try {
      return [set.video(episode, feature).path];
    } catch (error) {
      if (error instanceof InputError) return [];
      throw error;
    }
  });
}
