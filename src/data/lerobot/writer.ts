import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { aside, InputError, makeFolder, removeAbandoned, writeJsonLines } from '../../base/index.ts';
import { CHALLENGE_ROBOT, type Robot, robotRecord, type TaskSuccessors } from '../../robot/index.ts';
import { type VideoSettings, videoCodec } from '../video/index.ts';
import { type EncodedEpisode, type EpisodeLayout, encodeEpisode, type PictureSize } from './episode.ts';
import type { EpisodeRecord } from './episodeRecord.ts';
import type { Info } from './layout.ts';
import { OUTCOME_COLUMNS } from './outcomeColumns.ts';
import { robotFile } from './robotOf.ts';

export interface DatasetOptions {
  /** Whose demonstrations they are; the challenge's robot when left out. Its rate is the data set's frames a second. */
  readonly robot?: Robot;
  /** Pictures are this wide and high, one number for square ones; when left out, as the robot's cameras take them. */
  readonly imageSize?: number | PictureSize;
  readonly video?: VideoSettings;
  /** The rows 0, n, 2n … of an episode have pictures of their own, the others repeat the last; 1 when left out. */
  readonly picturesEvery?: number | undefined;
  /**
   * Episode numbers per task: episode_index = task x chunksSize + number. The original's 10000 is too small for
   * thousands of instances.
   */
  readonly chunksSize?: number;
  /** Tasks whose stages branch: which may follow which. */
  readonly stageSuccessors?: TaskSuccessors;
  /** Put the finished data set in the place of an old one. */
  readonly replace?: boolean;
  /**
   * A folder on the same disk that the caller keeps, in which the files are written until `finish`; it may hold
   * episodes already. When left out, a hidden one that goes when the process ends.
   */
  readonly folder?: string;
}

/**
 * Writes a LeRobot v2.1 data set in the BEHAVIOR layout. Everything goes into a folder beside `dir` and takes its
 * name only in `finish`;
 * a process that dies leaves no half data set.
 *
 * Many workers can feed one writer: each calls `encodeEpisode(episode, writer.folder, writer.layout)` with a number
 * from
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
    private readonly options: DatasetOptions,
  ) {}

  static async create(dir: string, options: DatasetOptions): Promise<DatasetWriter> {
    const path = resolve(dir);
    if (existsSync(path) && !options.replace)
      throw new InputError(path, 'exists already. Choose another folder or remove it first.');
    const { robot = CHALLENGE_ROBOT, imageSize, chunksSize = 1_000_000 } = options;
    const size = typeof imageSize === 'number' ? { width: imageSize, height: imageSize } : imageSize;
    const pictureSizes = Object.fromEntries(
      robot.cameras.map(({ name, size: [height, width] }) => [name, size ?? { width, height }]),
    );
    const info: Info = {
      codebase_version: 'v2.1',
      robot_type: robot.types[0] ?? robot.name,
      total_episodes: 0,
      total_frames: 0,
      chunks_size: chunksSize,
      fps: robot.rate,
      data_path: 'data/task-{episode_chunk:04d}/episode_{episode_index:08d}.parquet',
      video_path: 'videos/task-{episode_chunk:04d}/{video_key}/episode_{episode_index:08d}.mp4',
      metainfo_path: 'meta/episodes/task-{episode_chunk:04d}/episode_{episode_index:08d}.json',
      annotation_path: 'annotations/task-{episode_chunk:04d}/episode_{episode_index:08d}.json',
      ...(options.picturesEvery !== undefined && { pictures_every: options.picturesEvery }),
      features: {},
    };
    await removeAbandoned(path);
    const folder = options.folder ?? aside(path);
    await makeFolder(folder);
    return new DatasetWriter(path, folder, { info, robot, pictureSizes, video: options.video ?? {} }, options);
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
        `its number belongs to another task than ${encoded.taskIndex} (episode_index = task x ` +
          `${this.layout.info.chunks_size} + number).`,
      );
    const first = this.episodes.values().next().value;
    if (first && first.widths.state !== encoded.widths.state)
      throw new InputError(
        where,
        `state has ${encoded.widths.state} numbers (expected ${first.widths.state} as in the first episode).`,
      );
    for (const column of ['cameraPoses', 'taskInfo'] as const)
      if (first && first.widths[column] > 0 !== encoded.widths[column] > 0)
        throw new InputError(
          where,
          `has ${encoded.widths[column] > 0 ? '' : 'no '}${column}, unlike the first episode. Give them for all ` +
            'episodes or for none.',
        );
    if (first && first.hasStages !== encoded.hasStages)
      throw new InputError(
        where,
        `has ${encoded.hasStages ? '' : 'no '}stages, unlike the first episode. Give stages for all episodes or ` +
          'for none.',
      );
    if (first && String(first.outcome ?? []) !== String(encoded.outcome ?? []))
      throw new InputError(
        where,
        `has other columns of its outcome (got ${encoded.outcome?.join(', ') ?? 'none'}, expected ` +
          `${first.outcome?.join(', ') ?? 'none'} as in the first episode).`,
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
    const { stageSuccessors } = this.options;
    const episodes = [...this.episodes.values()].sort((a, b) => a.episodeIndex - b.episodeIndex);
    const tasks = new Map(
      episodes.map((e) => [
        e.taskIndex,
        {
          task_index: e.taskIndex,
          task_name: e.taskName,
          task: e.instruction,
          ...(stageSuccessors?.[e.taskIndex] && { stage_successors: stageSuccessors[e.taskIndex] }),
        },
      ]),
    );
    const meta = join(this.folder, 'meta');
    await makeFolder(meta);
    const sorted = [...tasks.values()].sort((a, b) => a.task_index - b.task_index);
    await writeJsonLines(join(meta, 'tasks.jsonl'), sorted);
    const lines = episodes.map((e) => ({
      ...{ episode_index: e.episodeIndex, tasks: [e.instruction], length: e.length },
      ...e.distances,
    }));
    await writeJsonLines(join(meta, 'episodes.jsonl'), lines);
    const stats = episodes.map((e) => ({ episode_index: e.episodeIndex, stats: e.stats }));
    await writeJsonLines(join(meta, 'episodes_stats.jsonl'), stats);
    const robot = `${JSON.stringify(robotRecord(this.layout.robot), null, 1)}\n`;
    await writeFile(robotFile(this.folder), robot);
    const info = infoOf(this.layout, episodes, tasks.size);
    await writeFile(join(meta, 'info.json'), `${JSON.stringify(info, null, 4)}\n`);
    const old = `${this.folder}.old`;
    const replaced = this.options.replace && existsSync(this.dir);
    if (replaced) await rename(this.dir, old);
    await rename(this.folder, this.dir);
    if (replaced) await rm(old, { recursive: true, force: true });
  }

  /** Drops everything written so far. */
  async abort(): Promise<void> {
    this.ended = true;
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** info.json of the finished data set. */
function infoOf({ info, robot, pictureSizes }: EpisodeLayout, episodes: readonly EncodedEpisode[], totalTasks: number) {
  const { features: _, ...head } = info;
  const number = (dtype: string) => ({ dtype, shape: [1], names: null });
  const list = (width: number | null) => ({ dtype: 'float32', shape: [width], names: null });
  const video = ({ width, height }: PictureSize) => ({
    dtype: 'video',
    shape: [height, width, 3],
    names: ['height', 'width', 'rgb'],
    info: {
      'video.fps': info.fps,
      'video.height': height,
      'video.width': width,
      'video.channels': 3,
      ...videoCodec(),
      'video.is_depth_map': false,
      has_audio: false,
    },
  });
  const [first] = episodes;
  const { widths } = first ?? { widths: { state: 0, cameraPoses: 0 } };
  const taskInfoWidths = new Set(episodes.map((episode) => episode.widths.taskInfo));
  const [taskInfoWidth = 0] = taskInfoWidths;
  return {
    ...head,
    total_episodes: episodes.length,
    total_frames: episodes.reduce((sum, e) => sum + e.length, 0),
    total_tasks: totalTasks,
    total_videos: episodes.length * robot.cameras.length,
    splits: { train: `0:${episodes.length}` },
    features: {
      ...Object.fromEntries(
        robot.cameras.flatMap(({ name, feature }) => {
          const size = pictureSizes[name];
          return size ? [[feature, video(size)]] : [];
        }),
      ),
      action: list(robot.width),
      timestamp: number('float64'),
      episode_index: number('int64'),
      index: number('int64'),
      task_index: number('int64'),
      'observation.state': list(widths.state),
      ...(widths.cameraPoses > 0 ? { 'observation.cam_rel_poses': list(widths.cameraPoses) } : {}),
      ...(taskInfoWidths.size > 1 || taskInfoWidth > 0
        ? { 'observation.task_info': list(taskInfoWidths.size === 1 ? taskInfoWidth : null) }
        : {}),
      ...(episodes.every((e) => e.hasStages) ? { 'annotation.stage': number('int64') } : {}),
      ...Object.fromEntries((first?.outcome ?? []).map((name) => [name, number(OUTCOME_COLUMNS[name])])),
    },
  };
}
