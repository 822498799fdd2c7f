import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import type { Dataset, Episode } from '../dataset.ts';
import { videosOf } from '../withFiles.ts';

/** Files of an episode that are not there. */
export interface Missing {
  readonly episode: Episode;
  /** Absolute. */
  readonly paths: readonly string[];
  /** Nothing of the episode is there. */
  readonly whole: boolean;
}

/**
 * Which of the episodes lack files: their data, and the videos of `features`. A file of several episodes is looked for
 * once. @param asked a server is asked for each file; else what its index names is believed to be there
 */
export async function missingFiles(
  dataset: Dataset,
  episodes: readonly Episode[],
  features: readonly string[],
  asked: boolean,
): Promise<readonly Missing[]> {
  const { remote } = dataset;
  if (remote && !asked) return [];
  const pathsOf = (episode: Episode) => [dataset.dataPath(episode), ...videosOf(dataset, episode, features)];
  const found = await remote?.there([...new Set(episodes.flatMap(pathsOf))]);
  const seen = new Map<string, boolean>();
  const there = (path: string): boolean => {
    const known = seen.get(path) ?? (found ? found.has(path) : existsSync(path));
    seen.set(path, known);
    return known;
  };
  return episodes.flatMap((episode) => {
    const paths = pathsOf(episode);
    const gone = paths.filter((path) => !there(path));
    return gone.length === 0 ? [] : [{ episode, paths: gone, whole: gone.length === paths.length }];
  });
}

const MOST_NAMED = 8;

/** What is missing, in one sentence. */
export function missingSentence(
  { root, episodes: listed }: Dataset,
  episodes: readonly Episode[],
  missing: readonly Missing[],
): string {
  const first = missing[0]?.paths[0] ?? '';
  const gone = new Set(missing.map(({ episode }) => episode.index));
  const here = new Set(episodes.filter(({ index }) => !gone.has(index)).map(({ taskIndex }) => taskIndex));
  const tasks = [...new Set(missing.map(({ episode }) => episode.taskIndex))].filter((task) => !here.has(task));
  const named = tasks.sort((a, b) => a - b).slice(0, MOST_NAMED);
  const which =
    tasks.length === 0 ? '' : `, all of task ${named.join(', ')}${tasks.length > named.length ? ', …' : ''}`;
  const of = episodes.length === listed.length ? '' : ' chosen';
  return (
    `files of ${missing.length} of ${episodes.length}${of} episodes are not there (the first: ` +
    `${relative(root, first)}${which}).`
  );
}
