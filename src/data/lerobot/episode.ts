import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError } from '../../base/index.ts';
import { CHALLENGE_ROBOT, type Robot } from '../../robot/index.ts';
import { encodeVideo, type VideoOptions } from '../video/index.ts';
import { episodePaths, type Info } from './layout.ts';
import { encodeParquet } from './parquet.ts';

/** One demonstration, as it leaves the robot: T frames at 30 Hz. */
export interface EpisodeRecord {
  /** Its number in the data set; `DatasetWriter.nextIndex` gives one. */
  readonly episodeIndex: number;
  readonly taskIndex: number;
  readonly taskName: string;
  /** The task as an English sentence. */
  readonly instruction: string;
  /** Which instance of the task was played. */
  readonly instance: number;
  readonly trajectory?: number;
  /** Proprioception [T, 256] (or 61). */
  readonly state: Float32Array;
  /** Absolute actions [T, 23]. */
  readonly action: Float32Array;
  /** Cameras relative to the robot's base [T, 21]: left wrist, right wrist, head, each position and quaternion (xyzw). */
  readonly cameraPoses: Float32Array;
  /** Privileged observation [T, K] and the names of its K numbers. */
  readonly taskInfo: Float32Array;
  readonly taskInfoKeys: readonly string[];
  /** Per camera T pictures, each uint8 [H, W, 3]. */
  readonly pictures: Readonly<Record<string, readonly Uint8Array[]>>;
  /** Annotated skills, frames [start, end). */
  readonly skills: readonly { readonly name: string; readonly start: number; readonly end: number }[];
  /** Stage per frame [T], from 0. */
  readonly stages?: Uint8Array;
  /** Anything else worth keeping (JSON). `clip` says that the episode is a window of a longer demonstration, in its frames. */
  readonly meta?: Readonly<Record<string, unknown>> & {
    readonly clip?: { readonly start: number; readonly fullLength: number };
  };
}

/** What the data set's index files need to know of an episode whose own files are written; a plain JSON value. */
export interface EncodedEpisode {
  readonly episodeIndex: number;
  readonly taskIndex: number;
  readonly taskName: string;
  readonly instruction: string;
  readonly length: number;
  readonly widths: { readonly state: number; readonly taskInfo: number };
  readonly hasStages: boolean;
  readonly distances: {
    readonly distance_traveled: number;
    readonly left_eef_displacement: number;
    readonly right_eef_displacement: number;
  };
  readonly stats: Readonly<Record<string, FeatureStats>>;
}

export interface FeatureStats {
  readonly min: number[];
  readonly max: number[];
  readonly mean: number[];
  readonly std: number[];
  readonly q01: number[];
  readonly q99: number[];
  readonly count: [number];
}

/** How the episode's files are laid out and its pictures encoded; from `DatasetWriter.layout`, sendable to a worker. */
export interface EpisodeLayout {
  readonly info: Info;
  readonly imageSize: { readonly width: number; readonly height: number };
  readonly video: VideoOptions;
}

export const ACTION_WIDTH = 23;
export const CAMERA_POSE_WIDTH = 21;

/**
 * Writes an episode's own files (parquet, videos, annotation, meta information) below `dir` and returns what the index needs.
 * Depends on nothing but its arguments, so that any worker thread can call it for the folder that one `DatasetWriter` owns.
 */
export async function encodeEpisode(
  episode: EpisodeRecord,
  dir: string,
  layout: EpisodeLayout,
): Promise<EncodedEpisode> {
  const where = `episode ${episode.episodeIndex}`;
  const length = episode.action.length / ACTION_WIDTH;
  if (!Number.isInteger(length) || length === 0)
    throw new InputError(where, `action has ${episode.action.length} numbers (expected T x ${ACTION_WIDTH}, T > 0).`);
  const stateWidth = episode.state.length / length;
  const infoWidth = episode.taskInfoKeys.length;
  const sizes: [string, number, number][] = [
    ['state', episode.state.length, length * Math.max(1, Math.floor(stateWidth))],
    ['cameraPoses', episode.cameraPoses.length, length * CAMERA_POSE_WIDTH],
    ['taskInfo', episode.taskInfo.length, length * infoWidth],
    ...(episode.stages ? ([['stages', episode.stages.length, length]] as [string, number, number][]) : []),
  ];
  for (const [name, got, expected] of sizes)
    if (got !== expected)
      throw new InputError(where, `${name} has ${got} numbers (expected ${expected} for ${length} frames).`);
  for (const [name, values] of Object.entries({
    state: episode.state,
    action: episode.action,
    taskInfo: episode.taskInfo,
  })) {
    const bad = values.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      throw new InputError(
        where,
        `${name} holds ${values[bad]} in frame ${Math.floor(bad / (values.length / length))}. Episodes must be finite.`,
      );
  }
  for (const camera of CHALLENGE_ROBOT.cameraNames)
    if (episode.pictures[camera].length !== length)
      throw new InputError(
        where,
        `camera ${camera} has ${episode.pictures[camera].length} pictures (expected ${length}).`,
      );

  const paths = episodePaths(dir, layout.info, episode.episodeIndex);
  const fps = layout.info.fps;
  const constant = (value: number) => new Float64Array(length).fill(value);
  const rows = Float64Array.from({ length }, (_, i) => i);
  const parquet = encodeParquet(
    [
      { name: 'index', kind: 'int64', data: rows },
      { name: 'episode_index', kind: 'int64', data: constant(episode.episodeIndex) },
      { name: 'task_index', kind: 'int64', data: constant(episode.taskIndex) },
      { name: 'timestamp', kind: 'float64', data: rows.map((i) => i / fps) },
      { name: 'observation.state', kind: 'float32list', data: episode.state, width: stateWidth },
      { name: 'observation.cam_rel_poses', kind: 'float32list', data: episode.cameraPoses, width: CAMERA_POSE_WIDTH },
      { name: 'action', kind: 'float32list', data: episode.action, width: ACTION_WIDTH },
      { name: 'observation.task_info', kind: 'float32list', data: episode.taskInfo, width: infoWidth },
      ...(episode.stages ? [{ name: 'annotation.stage', kind: 'int64' as const, data: episode.stages }] : []),
    ],
    length,
  );
  const write = async (path: string, data: Uint8Array | string) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, data);
  };
  await write(paths.data, parquet);
  await write(paths.metainfo!, `${JSON.stringify(metaInfo(episode, length), null, 1)}\n`);
  await write(paths.annotation!, `${JSON.stringify(annotation(episode, length), null, 1)}\n`);
  for (const camera of CHALLENGE_ROBOT.cameraNames) {
    const path = paths.video(camera)!;
    await mkdir(dirname(path), { recursive: true });
    encodeVideo(path, episode.pictures[camera], layout.imageSize.width, layout.imageSize.height, {
      ...layout.video,
      fps,
    });
  }
  return {
    episodeIndex: episode.episodeIndex,
    taskIndex: episode.taskIndex,
    taskName: episode.taskName,
    instruction: episode.instruction,
    length,
    widths: { state: stateWidth, taskInfo: infoWidth },
    hasStages: episode.stages !== undefined,
    distances: distances(CHALLENGE_ROBOT, episode.state, stateWidth, length),
    stats: {
      action: featureStats(episode.action, ACTION_WIDTH),
      'observation.state': featureStats(episode.state, stateWidth),
      'observation.cam_rel_poses': featureStats(episode.cameraPoses, CAMERA_POSE_WIDTH),
    },
  };
}

/** The per-episode JSON: BEHAVIOR keeps the recording's attributes here; ours are the instance, the keys and whatever `meta` says. */
function metaInfo(episode: EpisodeRecord, length: number) {
  const { instance, trajectory = 0 } = episode;
  return { num_samples: length, task_obs_keys: episode.taskInfoKeys, instance, trajectory, ...episode.meta };
}

function annotation(episode: EpisodeRecord, length: number) {
  return {
    task_name: episode.taskName.replaceAll('_', ' '),
    data_folder: episode.taskName,
    meta_data: { task_duration: length, valid_duration: [0, length] },
    skill_annotation: episode.skills.map((skill, skill_idx) => ({
      skill_idx,
      skill_id: [],
      skill_description: [skill.name],
      object_id: [[]],
      manipulating_object_id: [],
      memory_prefix: [],
      spatial_prefix: [],
      frame_duration: [skill.start, skill.end],
      mp_ef: [],
      skill_type: [],
    })),
    primitive_annotation: [],
  };
}

/** Per column of values [rows, width]: extremes, moments (population), 1 % and 99 % quantiles (linear between ranks, as numpy). */
function featureStats(values: Float32Array, width: number): FeatureStats {
  const rows = values.length / width;
  const out = {
    min: [] as number[],
    max: [] as number[],
    mean: [] as number[],
    std: [] as number[],
    q01: [] as number[],
    q99: [] as number[],
  };
  const column = new Float32Array(rows);
  const quantile = (q: number) => {
    const at = q * (rows - 1);
    const low = Math.floor(at);
    return column[low]! + (column[Math.min(rows - 1, low + 1)]! - column[low]!) * (at - low);
  };
  for (let c = 0; c < width; c++) {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += column[r] = values[r * width + c]!;
    const mean = sum / rows;
    let squares = 0;
    for (let r = 0; r < rows; r++) squares += (column[r]! - mean) ** 2;
    column.sort();
    out.min.push(column[0]!);
    out.max.push(column[rows - 1]!);
    out.mean.push(mean);
    out.std.push(Math.sqrt(squares / rows));
    out.q01.push(quantile(0.01));
    out.q99.push(quantile(0.99));
  }
  return { ...out, count: [rows] };
}

/** Path lengths of base and hands in metres; 0 where the layout of proprioception does not name them. */
function distances(robot: Robot, state: Float32Array, width: number, length: number) {
  const fields = robot.proprioception.layouts.find((layout) => layout.length === width)?.fields ?? {};
  const path = (field: string, count: number) => {
    const start = fields[field]?.[0];
    if (start === undefined) return 0;
    let total = 0;
    for (let t = 1; t < length; t++) {
      let square = 0;
      for (let i = start; i < start + count; i++) square += (state[t * width + i]! - state[(t - 1) * width + i]!) ** 2;
      total += Math.sqrt(square);
    }
    return total;
  };
  return {
    distance_traveled: path('base_qpos', 2),
    left_eef_displacement: path('eef_left_pos', 3),
    right_eef_displacement: path('eef_right_pos', 3),
  };
}
