import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { InputError, jsonText, makeFolder, NotBuiltError, readJson, writeJsonLines } from '../../base/index.ts';
import {
  type Dataset,
  episodePaths,
  type Info,
  requireVideo,
  sidePath,
  type TaskLine,
  withFiles,
} from '../lerobot/index.ts';
import { type EncodedCodec, videoCodec } from '../video/index.ts';
import type { NewStages } from './annotatedStages.ts';
import { copyRows, STAGE } from './copyRows.ts';
import { copyVideo, resizeVideo, videoFeatures } from './copyVideos.ts';
import { cutAnnotation } from './cutAnnotation.ts';
import { episodeLine, episodeStatistics, type OldLines, oldLines, taskLine } from './episodeTables.ts';
import { isWhole, type KeptEpisode } from './keptEpisode.ts';
import { copyIfThere, copyOtherFiles } from './setFiles.ts';
import type { SharedFiles } from './sharedFiles.ts';

/** What became of a set that was written. */
export interface Edited {
  readonly episodes: number;
  readonly frames: number;
  /** Videos that had to be encoded again. */
  readonly encoded: number;
  /** What a person should know, each a sentence. */
  readonly notes: readonly string[];
}

export interface WriteOptions {
  /** Called with the episodes that are done. */
  readonly progress?: ((done: number) => void) | undefined;
  /** Numbers from 0 without gaps, in LeRobot's own folders. */
  readonly plain: boolean;
  /** The cameras' videos get square pictures of this side, pixels; other videos are left out. */
  readonly imageSize?: number | undefined;
  /** What those are written as; H.264 when left out. */
  readonly codec?: EncodedCodec | undefined;
  /** What the column `annotation.stage` is to say; as it is when left out. */
  readonly stages?: NewStages | undefined;
  /** Takes over the tables and videos of each episode that is written. */
  readonly shared?: SharedFiles | undefined;
}

/** Which skills are which stages. */
const STAGE_MAPPING = 'stage-mapping.json';

const AnyJson = z.record(z.string(), z.unknown());

/** Where LeRobot's own v2.1 sets have their files. */
const PLAIN = {
  chunks_size: 1000,
  data_path: 'data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet',
  video_path: 'videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4',
} as const;
const PLAIN_SIDES = {
  metainfo_path: 'meta/episodes_info/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.json',
  annotation_path: 'annotations/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.json',
} as const;

/**
 * Writes kept episodes as a v2.1 set into `out`. An episode whose table is there already is done, so that a run that
 * was killed is gone on with.
 * @throws InputError when a file is damaged; nothing of `out` is a data set before all is written
 */
export async function writeV21(kept: readonly KeptEpisode[], out: string, options: WriteOptions): Promise<Edited> {
  const [first] = kept;
  if (!first) throw new InputError(out, 'no episode is left. A data set needs at least one.');
  const info = v21Info(first.source, options);
  const { shared } = options;
  const old = new Map<Dataset, OldLines>();
  for (const source of new Set(kept.map((one) => one.source))) old.set(source, await oldLines(source));
  await makeFolder(join(out, 'meta'));
  const tasks = new Map<number, TaskLine>();
  const lines: object[] = [];
  let [frames, encoded] = [0, 0];
  // Their statistics are most of the index, and go to its file one by one.
  async function* statistics() {
    for (const [i, one] of kept.entries()) {
      const before = old.get(one.source) as OldLines;
      const videos = videoFeatures(info);
      const firstFrame = frames;
      const write = () => writeEpisode(one, out, info, firstFrame, options);
      const done = await shared?.statistics(one.index);
      if (!done) encoded += await withFiles(one.source, [one.episode], videos, write, { optional: true });
      frames += one.to - one.from;
      tasks.set(one.taskIndex, tasks.get(one.taskIndex) ?? taskLine(one, before));
      lines.push(episodeLine(one, before));
      const path = episodePaths(out, info, one.index).data;
      const its = done ?? (await episodeStatistics(one, path, before));
      await shared?.add(one, its);
      options.progress?.(i + 1);
      yield { episode_index: one.index, stats: its };
    }
  }
  const meta = (name: string) => join(out, 'meta', name);
  await writeJsonLines(meta('episodes_stats.jsonl'), statistics());
  const left = await copyOtherFiles(first.source, out);
  const { mapping } = options.stages ?? {};
  if (mapping) await writeFile(meta(STAGE_MAPPING), jsonText(mapping));
  const sorted = [...tasks.values()].sort((a, b) => a.task_index - b.task_index);
  await writeJsonLines(meta('tasks.jsonl'), sorted);
  await writeJsonLines(meta('episodes.jsonl'), lines);
  const totals = {
    total_episodes: kept.length,
    total_frames: frames,
    total_tasks: tasks.size,
    total_videos: kept.length * videoFeatures(info).length,
    total_chunks: new Set(kept.map(({ index }) => Math.floor(index / info.chunks_size))).size,
    splits: { train: `0:${kept.length}` },
  };
  await writeFile(meta('info.json'), `${JSON.stringify({ ...info, ...totals }, null, 4)}\n`);
  const notes = left.map((name) => `${name}/ is left behind: nothing tells what of it belongs to which episode`);
  return { episodes: kept.length, frames, encoded, notes };
}

/** Videos that were encoded again. The table comes last: where it is, the episode is whole. */
async function writeEpisode(
  kept: KeptEpisode,
  out: string,
  info: Info,
  firstFrame: number,
  { imageSize, codec, stages }: WriteOptions,
): Promise<number> {
  const to = episodePaths(out, info, kept.index);
  if (existsSync(to.data)) return 0;
  let encoded = 0;
  for (const feature of videoFeatures(info)) {
    const path = to.video(feature);
    if (!path) continue;
    requireVideo(kept.source, kept.episode, feature);
    if (imageSize !== undefined) await resizeVideo(kept, feature, path, { size: imageSize, codec });
    if (imageSize !== undefined || (await copyVideo(kept, feature, path))) encoded++;
  }
  await copySides(kept, to);
  await makeFolder(dirname(to.data));
  await copyRows(kept, `${to.data}.tmp`, firstFrame, await stages?.of(kept.episode));
  await rename(`${to.data}.tmp`, to.data);
  return encoded;
}

/** The files that stand beside an episode; its annotation is that of the frames that are kept. */
async function copySides(kept: KeptEpisode, to: ReturnType<typeof episodePaths>): Promise<void> {
  const { source, episode } = kept;
  await copyIfThere(sidePath(source.root, source.info, 'metainfo_path', episode.index), to.metainfo);
  const annotation = sidePath(source.root, source.info, 'annotation_path', episode.index);
  if (isWhole(kept)) return copyIfThere(annotation, to.annotation);
  if (!annotation || !to.annotation || !existsSync(annotation)) return;
  await makeFolder(dirname(to.annotation));
  const cut = cutAnnotation(await readJson(annotation, AnyJson), kept.from, kept.to);
  await writeFile(to.annotation, jsonText(cut));
}

/** info.json of a new v2.1 set, but for its totals. */
export function v21Info(source: Dataset, { plain, imageSize, codec, stages }: WriteOptions): Info {
  const { info, format } = source;
  const { data_files_size_in_mb: _, video_files_size_in_mb: __, ...rest } = info;
  const own = format === 'v3.0' || plain;
  const sides = Object.entries(PLAIN_SIDES).filter(([key]) => info[key] !== undefined);
  const frameIndex = { dtype: 'int64', shape: [1], names: null };
  return {
    ...rest,
    codebase_version: 'v2.1',
    ...(own && { ...PLAIN, ...Object.fromEntries(sides) }),
    features: {
      ...(imageSize === undefined ? info.features : resizedFeatures(source, imageSize, codec)),
      frame_index: info.features['frame_index'] ?? frameIndex,
      ...(stages && { [STAGE]: info.features[STAGE] ?? frameIndex }),
    },
  };
}

/** Features of a set of which the cameras' pictures have a new size, and other videos are left out. */
function resizedFeatures(source: Dataset, size: number, codec?: EncodedCodec): Info['features'] {
  const { features } = source.info;
  const cameras = source.cameras.map((camera) => source.cameraFeature(camera));
  return Object.fromEntries(
    Object.entries(features).flatMap(([name, feature]) => {
      if (!['video', 'image'].includes(feature.dtype)) return [[name, feature]];
      if (!cameras.includes(name) || feature.info?.['video.is_depth_map'] === true) return [];
      if (feature.dtype === 'image') throw new NotBuiltError(source.root, `resizing of ${name}, pictures in tables`);
      const words = { 'video.height': size, 'video.width': size, 'video.channels': 3, ...videoCodec(codec) };
      const names = ['height', 'width', 'rgb'];
      return [[name, { ...feature, shape: [size, size, 3], names, info: { ...feature.info, ...words } }]];
    }),
  );
}
