import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { InputError } from '../../../base/index.ts';
import type { Dataset, Episode } from '../dataset.ts';

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
 * once.
 */
export function missingFiles(
  dataset: Dataset,
  episodes: readonly Episode[],
  features: readonly string[],
): readonly Missing[] {
  const seen = new Map<string, boolean>();
  const there = (path: string): boolean => {
    const known = seen.get(path) ?? existsSync(path);
    seen.set(path, known);
    return known;
  };
  return episodes.flatMap((episode) => {
    const paths = [dataset.dataPath(episode), ...features.flatMap((feature) => videoOf(dataset, episode, feature))];
    const gone = paths.filter((path) => !there(path));
    return gone.length === 0 ? [] : [{ episode, paths: gone, whole: gone.length === paths.length }];
  });
}

/** None where the index names none: that is for who reads it to say. */
function videoOf(dataset: Dataset, episode: Episode, feature: string): string[] {
  if (dataset.info.features[feature]?.dtype !== 'video') return [];
  try {
    return [dataset.video(episode, feature).path];
  } catch (error) {
    if (error instanceof InputError) return [];
    throw error;
  }
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
