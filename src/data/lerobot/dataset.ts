import type { Robot, StageSuccessors } from '../../robot/index.ts';
import type { RemoteFolder } from '../remote/index.ts';
import type { FrameSink } from '../video/index.ts';
import type { CameraChoice } from './choice/cameraChoice.ts';
import type { TableColumns } from './episodeTable.ts';
import type { Annotation, Info } from './layout.ts';
import type { Column } from './parquet.ts';
import type { TaskRow } from './v30Tables.ts';

/** What the parts of the index say of an episode's task, each in the set's own numbering. */
export interface TaskClaims {
  /** Of the list of tasks, by the episode's sentence. */
  readonly sentence?: number | undefined;
  /** `task_index` of the episode's row in meta/episodes (v3.0). */
  readonly table?: number | undefined;
  /** Number of the folder `task-XXXX`. */
  readonly folder?: number | undefined;
}

/** One episode as the data set's index names it. */
export interface Episode {
  /** episode_index: unique, with gaps. */
  readonly index: number;
  /** Its task's number; -1 where nothing tells. */
  readonly taskIndex: number;
  readonly instruction: string;
  /** Frames. */
  readonly length: number;
  readonly claims?: TaskClaims;
}

/** Pictures of some frames, uint8 [height, width, 3] each, in the order asked for. */
export interface EpisodePictures {
  readonly width: number;
  readonly height: number;
  readonly frames: Uint8Array[];
}

/** How the pictures of an episode are read. */
export interface PictureOptions {
  /** Every frame of the episode is decoded and must be whole; true when left out. */
  readonly whole?: boolean;
  /** Of a video: wanted frames further apart than this are reached by seeking instead of decoding on. */
  readonly seekGap?: number | undefined;
}

export interface VideoPlace {
  readonly path: string;
  readonly startSeconds: number;
  readonly endSeconds?: number;
  /** Frames that the file must hold, of all its episodes. */
  readonly frames: number;
}

/** What a data set tells of one of its tasks. */
export interface DatasetTask {
  readonly name: string | undefined;
  readonly instruction: string;
  readonly stageSuccessors?: StageSuccessors;
}

/** What a thread that has a set open tells another one, which then reads no list of episodes; its arrays are shared. */
export interface KnownIndex {
  /** Of v3.0. */
  readonly table?: TableColumns | undefined;
  /** Files of episodes that the table names wrongly. */
  readonly moved?: ReadonlyMap<number, string> | undefined;
}

/** A data set on disk, opened for reading; v2.1 and v3.0 look the same from here on. */
export interface Dataset {
  readonly root: string;
  /** The server that the files are fetched from when they are needed; `root` is where they are kept. */
  readonly remote?: RemoteFolder | undefined;
  readonly format: 'v2.1' | 'v3.0';
  readonly info: Info;
  readonly fps: number;
  /**
   * Who made it: the robot that was named, of meta/robot.json, or recognised; undefined when it is not known
   * (`requireRobot`).
   */
  readonly robot: Robot | undefined;
  /** Names of the robot's cameras that it has pictures of; of all its videos where the robot is not known. */
  readonly cameras: readonly string[];
  readonly tasks: ReadonlyMap<number, DatasetTask>;
  /** The list of tasks as the set numbers them. */
  readonly taskRows: readonly TaskRow[];
  /** The features of cameras that were chosen when it was opened. */
  readonly cameraChoice: CameraChoice | undefined;
  /** None where another thread knows them. */
  readonly episodes: readonly Episode[];
  readonly known: KnownIndex;
  /** Columns of an episode, each [length, width]. @throws ParquetError when a file is damaged or a column is missing */
  columns<N extends string>(episode: Episode, names: readonly N[]): Promise<Record<N, Column>>;
  /** The feature that holds a camera's pictures. @throws InputError when there is no such camera */
  cameraFeature(camera: string): string;
  /** Names of the columns that the episode's parquet file holds. */
  columnNames(episode: Episode): Promise<string[]>;
  /** Pictures of the frames `indices`, uint8 [H, W, 3] each. @throws VideoError when a frame is missing */
  frames(episode: Episode, camera: string, indices: readonly number[]): Promise<EpisodePictures>;
  /** The same handed to `sink` one by one; `indices` ascending and unique. */
  eachPicture(
    episode: Episode,
    camera: string,
    indices: readonly number[],
    sink: FrameSink,
    options?: PictureOptions,
  ): Promise<void>;
  /**
   * Where an episode's pictures are: the file, the time of frame 0 in it, and of the end where the index tells.
   * `camera` may be a feature, too. @throws InputError when the index names none
   */
  video(episode: Episode, camera: string): VideoPlace;
  /** The parquet file that holds the episode. */
  dataPath(episode: Episode): string;
  /** The skill annotation, if the data set has one. */
  annotation(episode: Episode): Promise<Annotation | undefined>;
  /** The per-episode JSON (instance, task_obs_keys, clip, …), if there is one. */
  metaInfo(episode: Episode): Promise<Record<string, unknown> | undefined>;
  /**
   * Stage per frame, from 0: the recorded column, else counted from the annotated skills; undefined when there is
   * neither. @throws InputError for a recorded one that is no whole number from 0 to 65535
   */
  stages(episode: Episode): Promise<Uint16Array | undefined>;
}
