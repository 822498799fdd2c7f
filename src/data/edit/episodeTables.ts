import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { eachJsonLine, jsonLineAt, type LinePlace, parse, readJsonLines } from '../../base/index.ts';
import {
  type Dataset,
  EpisodeLine,
  EpisodeStatsLine,
  episodeExtras,
  featureStats,
  queryColumns,
  TaskLine,
} from '../lerobot/index.ts';
import { isWhole, type KeptEpisode } from './keptEpisode.ts';

const StatsLine = EpisodeStatsLine.extend({ stats: z.record(z.string(), z.unknown()).default({}) });

/** Statistics of an episode by feature, as an index holds them. */
export type EpisodeStats = Readonly<Record<string, unknown>>;

/** What a set's index says of its episodes and tasks beyond what reading needs, to be carried over. */
export interface OldLines {
  readonly tasks: ReadonlyMap<number, TaskLine>;
  readonly episodes: ReadonlyMap<number, Partial<EpisodeLine>>;
  /** Those of an episode, read when they are asked for: they are most of an index. Empty where there are none. */
  stats(index: number): Promise<EpisodeStats>;
}

/** What the index of a set has of these. */
export async function oldLines(set: Dataset): Promise<OldLines> {
  const meta = join(set.root, 'meta');
  const lines = async <S extends z.ZodType>(name: string, schema: S) => {
    const path = join(meta, name);
    return existsSync(path) ? readJsonLines(path, schema) : [];
  };
  const by = <T>(list: readonly T[], key: (one: T) => number) => new Map(list.map((one) => [key(one), one]));
  const tasks = by(await lines('tasks.jsonl', TaskLine), ({ task_index }) => task_index);
  if (set.format === 'v3.0') return { tasks, ...(await tableLines(set)) };
  return {
    tasks,
    episodes: by(await lines('episodes.jsonl', EpisodeLine), ({ episode_index }) => episode_index),
    stats: await statsOf(join(meta, 'episodes_stats.jsonl')),
  };
}

/** Those of v3.0 stand in its tables. Of the statistics only the pictures' are needed; they are kept as text. */
async function tableLines({ root, info }: Dataset): Promise<Pick<OldLines, 'episodes' | 'stats'>> {
  const episodes = new Map<number, Partial<EpisodeLine>>();
  const stats = new Map<number, string>();
  const isPicture = (feature: string) => ['video', 'image'].includes(info.features[feature]?.dtype ?? '');
  for await (const { index, cells } of episodeExtras(join(root, 'meta', 'episodes'), isPicture)) {
    const its: Record<string, Record<string, unknown>> = {};
    const extras: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(cells)) {
      const [, feature, key] = /^stats\/(.+)\/([^/]+)$/.exec(name) ?? [];
      if (feature === undefined || key === undefined) extras[name] = value;
      else its[feature] = { ...its[feature], [key]: value };
    }
    episodes.set(index, extras);
    stats.set(index, JSON.stringify(its));
  }
  return { episodes, stats: async (index) => JSON.parse(stats.get(index) ?? '{}') as EpisodeStats };
}

async function statsOf(path: string): Promise<OldLines['stats']> {
  const places = new Map<number, LinePlace>();
  if (existsSync(path))
    for await (const { value, place } of eachJsonLine(path, StatsLine)) places.set(value.episode_index, place);
  return async (index) => {
    const place = places.get(index);
    return place ? parse(path, StatsLine, await jsonLineAt(path, place)).stats : {};
  };
}

/** The line of a kept episode in the new meta/episodes.jsonl. */
export function episodeLine({ episode, index, from, to }: KeptEpisode, old: OldLines): EpisodeLine {
  const { tasks = [episode.instruction], ...rest } = old.episodes.get(episode.index) ?? {};
  return { ...rest, episode_index: index, tasks, length: to - from };
}

/** The line of a kept episode's task in the new meta/tasks.jsonl. */
export function taskLine({ source, episode, taskIndex }: KeptEpisode, old: OldLines): TaskLine {
  const known = source.tasks.get(episode.taskIndex);
  return {
    ...(known?.name !== undefined && { task_name: known.name }),
    task: known?.instruction ?? episode.instruction,
    ...(known?.stageSuccessors && { stage_successors: known.stageSuccessors.map((stages) => [...stages]) }),
    ...old.tasks.get(episode.taskIndex),
    task_index: taskIndex,
  };
}

/**
 * Statistics of a kept episode: of its numbers, from its own file; of its pictures, what the old set said of them where
 * all frames are kept.
 */
export async function episodeStatistics(kept: KeptEpisode, path: string, old: OldLines): Promise<EpisodeStats> {
  const { features } = kept.source.info;
  const numbers = Object.keys(features).filter((name) => /^float/.test(features[name]?.dtype ?? ''));
  const columns = await queryColumns(path, numbers);
  const was = isWhole(kept) ? await old.stats(kept.episode.index) : {};
  const pictures = Object.entries(was).filter(([name]) => ['video', 'image'].includes(features[name]?.dtype ?? ''));
  return {
    ...Object.fromEntries(pictures),
    ...Object.fromEntries(
      numbers.map((name) => {
        const column = columns[name];
        return [name, featureStats(Float32Array.from(column?.data ?? []), column?.width ?? 1)];
      }),
    ),
  };
}
