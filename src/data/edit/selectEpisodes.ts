import { InputError } from '../../base/index.ts';
import { type Dataset, type Episode, queryParquet, withFiles } from '../lerobot/index.ts';
import { flaggedEpisodes, parseFlag } from './episodeFlags.ts';
import { type KeptEpisode, wholeEpisode } from './keptEpisode.ts';

export interface EpisodeFilter {
  /** Frames, both ends included. */
  readonly length?: { readonly from: number; readonly to: number } | undefined;
  /** SQL over an episode's columns that is true for those to keep, such as `max(action[1]) > 0.5`. */
  readonly where?: string | undefined;
  /** Tests of what the index, or the file beside an episode, says of it, such as `success` (`parseFlag`). */
  readonly flag?: readonly string[] | undefined;
}

/** The episodes of a set that a filter keeps, whole. @throws InputError when the expression is no such */
export async function selectEpisodes(
  set: Dataset,
  { length, where, flag = [] }: EpisodeFilter,
): Promise<KeptEpisode[]> {
  const tests = flag.map(parseFlag);
  const flagged = tests.length > 0 ? await flaggedEpisodes(set, set.episodes, tests) : set.episodes;
  const kept: Episode[] = [];
  for (const episode of flagged) {
    if (length && (episode.length < length.from || episode.length > length.to)) continue;
    if (where === undefined || (await holds(set, episode, where))) kept.push(episode);
  }
  return kept.map((episode) => wholeEpisode(set, episode));
}

async function holds(set: Dataset, episode: Episode, where: string): Promise<boolean> {
  const its = set.format === 'v3.0' ? ` where episode_index = ${episode.index}` : '';
  const sql = (rows: string) => `select (${where}) as kept from ${rows}${its}`;
  const read = () => queryParquet(set.dataPath(episode), sql);
  const [row] = await withFiles(set, [episode], [], read).catch((error: Error) => {
    throw new InputError(`--where ${where}`, `cannot be told of episode ${episode.index} (${error.message}).`);
  });
  const kept = row?.['kept'];
  if (typeof kept !== 'boolean')
    throw new InputError(
      `--where ${where}`,
      `is ${typeof kept} for episode ${episode.index} (expected true or false, such as max(action[1]) > 0.5).`,
    );
  return kept;
}
