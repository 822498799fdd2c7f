import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { aside, InputError, removeAbandoned } from '../../base/index.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { VIDEO_CODEC, VIDEO_DEFAULTS, type VideoOptions } from '../video/index.ts';
import {
  ACTION_WIDTH,
  CAMERA_POSE_WIDTH,
  type EncodedEpisode,
  type EpisodeLayout,
  type EpisodeRecord,
  encodeEpisode,
} from './episode.ts';
import { cameraKey, type Info } from './layout.ts';

export interface DatasetOptions {
  /** Pictures are this wide and high; one number for square ones. */
  readonly imageSize: number | { readonly width: number; readonly height: number };
  readonly fps?: number;
  readonly robotType?: string;
  readonly video?: VideoOptions;
  /** Episode numbers per task: episode_index = task x chunksSize + number. The original's 10000 is too small for thousands of instances. */
  readonly chunksSize?: number;
  /** Put the finished data set in the place of an old one. */
  readonly replace?: boolean;
}

/**
 * Writes a LeRobot v2.1 data set in the BEHAVIOR layout. Everything goes into a folder beside `dir` and takes its name only in `finish`;
 * a process that dies leaves no half data set.
 *
 * Many workers can feed one writer: each calls `encodeEpisode(episode, writer.folder, writer.layout)` with a number from
 * `writer.nextIndex(task)` and sends the small result back for `addEncoded`.
 */
export class DatasetWriter {
  private readonly episodes = new Map<number, EncodedEpisode>();
  private readonly counters = new Map<number, number>();
  private ended = false;

  private constructor(
    readonly dir: string,
    /** Where the episodes' files are written until `finish`. */
    readonly folder: string,
    readonly layout: EpisodeLayout,
    private readonly replace: boolean,
  ) {}

  static async create(dir: string, options: DatasetOptions): Promise<DatasetWriter> {
    const path = resolve(dir);
    if (existsSync(path) && !options.replace)
      throw new InputError(path, 'exists already. Choose another folder or remove it first.');
    const { fps = VIDEO_DEFAULTS.fps, robotType = 'R1Pro', chunksSize = 1_000_000 } = options;
    const imageSize =
      typeof options.imageSize === 'number'
        ? { width: options.imageSize, height: options.imageSize }
        : options.imageSize;
    const info: Info = {
      codebase_version: 'v2.1',
      robot_type: robotType,
      total_episodes: 0,
      total_frames: 0,
      chunks_size: chunksSize,
      fps,
      data_path: 'data/task-{episode_chunk:04d}/episode_{episode_index:08d}.parquet',
      video_path: 'videos/task-{episode_chunk:04d}/{video_key}/episode_{episode_index:08d}.mp4',
      metainfo_path: 'meta/episodes/task-{episode_chunk:04d}/episode_{episode_index:08d}.json',
      annotation_path: 'annotations/task-{episode_chunk:04d}/episode_{episode_index:08d}.json',
      features: {},
    };
    await removeAbandoned(path);
    const folder = aside(path);
    await mkdir(folder, { recursive: true });
    return new DatasetWriter(path, folder, { info, imageSize, video: options.video ?? {} }, options.replace ?? false);
  }

  /** The next free episode number of a task. */
  nextIndex(taskIndex: number): number {
    const count = this.counters.get(taskIndex) ?? 0;
    const { chunks_size } = this.layout.info;
    if (count >= chunks_size)
      throw new InputError(
        'DatasetWriter',
        `task ${taskIndex} has ${count} episodes, all that chunksSize ${chunks_size} allows. Give a larger chunksSize.`,
      );
    this.counters.set(taskIndex, count + 1);
    return taskIndex * chunks_size + count;
  }

  /** Encodes and adds one episode in this thread; `episodeIndex` is chosen when left out. */
  async addEpisode(
    episode: Omit<EpisodeRecord, 'episodeIndex'> & { readonly episodeIndex?: number },
  ): Promise<EncodedEpisode> {
    const record = { ...episode, episodeIndex: episode.episodeIndex ?? this.nextIndex(episode.taskIndex) };
    const encoded = await encodeEpisode(record, this.folder, this.layout);
    this.addEncoded(encoded);
    return encoded;
  }

  /** Adds an episode whose files `encodeEpisode` has written into `folder`, here or in a worker. */
  addEncoded(encoded: EncodedEpisode): void {
    const where = `episode ${encoded.episodeIndex}`;
    if (this.ended) throw new InputError(where, 'added after the data set was finished.');
    if (this.episodes.has(encoded.episodeIndex))
      throw new InputError(where, 'is in the data set already. Episode numbers are unique.');
    if (Math.floor(encoded.episodeIndex / this.layout.info.chunks_size) !== encoded.taskIndex)
      throw new InputError(
        where,
        `its number belongs to another task than ${encoded.taskIndex} (episode_index = task x ${this.layout.info.chunks_size} + number).`,
      );
    const first = this.episodes.values().next().value;
    if (first && first.widths.state !== encoded.widths.state)
      throw new InputError(
        where,
        `state has ${encoded.widths.state} numbers (expected ${first.widths.state} as in the first episode).`,
      );
    if (first && first.hasStages !== encoded.hasStages)
      throw new InputError(
        where,
        `has ${encoded.hasStages ? '' : 'no '}stages, unlike the first episode. Give stages for all episodes or for none.`,
      );
    this.episodes.set(encoded.episodeIndex, encoded);
    const number = encoded.episodeIndex % this.layout.info.chunks_size;
    this.counters.set(encoded.taskIndex, Math.max(this.counters.get(encoded.taskIndex) ?? 0, number + 1));
  }

  get episodeCount(): number {
    return this.episodes.size;
  }

  /** Writes the index files and gives the folder its name. @throws InputError when there is no episode */
  async finish(): Promise<void> {
    if (this.episodes.size === 0) throw new InputError(this.dir, 'a data set needs at least one episode.');
    this.ended = true;
    const episodes = [...this.episodes.values()].sort((a, b) => a.episodeIndex - b.episodeIndex);
    const tasks = new Map(
      episodes.map((e) => [e.taskIndex, { task_index: e.taskIndex, task_name: e.taskName, task: e.instruction }]),
    );
    const lines = (values: readonly object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
    const meta = join(this.folder, 'meta');
    await mkdir(meta, { recursive: true });
    await writeFile(join(meta, 'tasks.jsonl'), lines([...tasks.values()].sort((a, b) => a.task_index - b.task_index)));
    await writeFile(
      join(meta, 'episodes.jsonl'),
      lines(
        episodes.map((e) => ({
          episode_index: e.episodeIndex,
          tasks: [e.instruction],
          length: e.length,
          ...e.distances,
        })),
      ),
    );
    await writeFile(
      join(meta, 'episodes_stats.jsonl'),
      lines(episodes.map((e) => ({ episode_index: e.episodeIndex, stats: e.stats }))),
    );
    await writeFile(join(meta, 'info.json'), `${JSON.stringify(this.info(episodes, tasks.size), null, 4)}\n`);
    const old = `${this.folder}.old`;
    const replaced = this.replace && existsSync(this.dir);
    if (replaced) await rename(this.dir, old);
    await rename(this.folder, this.dir);
    if (replaced) await rm(old, { recursive: true, force: true });
  }

  /** Drops everything written so far. */
  async abort(): Promise<void> {
    this.ended = true;
    await rm(this.folder, { recursive: true, force: true });
  }

  private info(episodes: readonly EncodedEpisode[], totalTasks: number) {
    const { info, imageSize } = this.layout;
    const { features: _, ...head } = info;
    const taskInfoWidths = new Set(episodes.map((e) => e.widths.taskInfo));
    const number = (dtype: string) => ({ dtype, shape: [1], names: null });
    const list = (width: number | null) => ({ dtype: 'float32', shape: [width], names: null });
    const video = {
      dtype: 'video',
      shape: [imageSize.height, imageSize.width, 3],
      names: ['height', 'width', 'rgb'],
      info: {
        'video.fps': info.fps,
        'video.height': imageSize.height,
        'video.width': imageSize.width,
        'video.channels': 3,
        ...VIDEO_CODEC,
        'video.is_depth_map': false,
        has_audio: false,
      },
    };
    return {
      ...head,
      total_episodes: episodes.length,
      total_frames: episodes.reduce((sum, e) => sum + e.length, 0),
      total_tasks: totalTasks,
      total_videos: episodes.length * CHALLENGE_ROBOT.cameraNames.length,
      splits: { train: `0:${episodes.length}` },
      features: {
        ...Object.fromEntries(
          ['left_wrist', 'right_wrist', 'head'].map((camera) => [cameraKey(camera as never), video]),
        ),
        action: list(ACTION_WIDTH),
        timestamp: number('float64'),
        episode_index: number('int64'),
        index: number('int64'),
        task_index: number('int64'),
        'observation.cam_rel_poses': list(CAMERA_POSE_WIDTH),
        'observation.state': list(episodes[0]!.widths.state),
        'observation.task_info': list(taskInfoWidths.size === 1 ? [...taskInfoWidths][0]! : null),
        ...(episodes.every((e) => e.hasStages) ? { 'annotation.stage': number('int64') } : {}),
      },
    };
  }
}
