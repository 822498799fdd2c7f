import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError, makeFolder } from '../../base/index.ts';
import { layoutOfLength, type Robot } from '../../robot/index.ts';
import { encodeVideo, type VideoSettings } from '../video/index.ts';
import { type ColumnToWrite, encodeParquet } from './encodeParquet.ts';
import type { EpisodeRecord } from './episodeRecord.ts';
import { annotation, distances, metaInfo } from './episodeSides.ts';
import { type FeatureStats, featureStats } from './featureStats.ts';
import { episodePaths, type Info } from './layout.ts';
import { type OutcomeColumn, outcomeColumns } from './outcomeColumns.ts';

/** What the data set's index files need to know of an episode whose own files are written; a plain JSON value. */
export interface EncodedEpisode {
  readonly episodeIndex: number;
  readonly taskIndex: number;
  readonly taskName: string;
  readonly instruction: string;
  readonly length: number;
  /** Numbers per row of the columns whose width is not the robot's; 0 where there is no such column. */
  readonly widths: { readonly state: number; readonly cameraPoses: number; readonly taskInfo: number };
  readonly hasStages: boolean;
  /** Columns of what became of a policy's episode; left out: none. */
  readonly outcome?: readonly OutcomeColumn[];
  readonly distances: {
    readonly distance_traveled: number;
    readonly left_eef_displacement: number;
    readonly right_eef_displacement: number;
  };
  readonly stats: Readonly<Record<string, FeatureStats>>;
}

/** How the episode's files are laid out and its pictures encoded; from `DatasetWriter.layout`, sendable to a worker. */
export interface EpisodeLayout {
  readonly info: Info;
  readonly robot: Robot;
  /** Of each camera's pictures, pixels. */
  readonly pictureSizes: Readonly<Record<string, PictureSize>>;
  readonly video: VideoSettings;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Position and quaternion of one camera. */
const POSE_WIDTH = 7;

/**
 * Writes an episode's own files (parquet, videos, annotation, meta information) below `dir` and returns what the
 * index needs.
 * Depends on nothing but its arguments, so that any worker thread can call it for the folder that one `DatasetWriter`
 * owns.
 * @throws InputError when a part of the episode has another shape than the robot says, or a number is not finite
 */
export async function encodeEpisode(
  episode: EpisodeRecord,
  dir: string,
  layout: EpisodeLayout,
): Promise<EncodedEpisode> {
  const { robot, info } = layout;
  const { state, action, cameraPoses, taskInfo, taskInfoKeys = [], stages } = episode;
  const { length, widths } = checkedShapes(episode, robot);
  const outcome = outcomeColumns(episode, length);
  const list = (name: string, data: Float32Array | undefined, width: number): ColumnToWrite[] =>
    data ? [{ name, kind: 'float32list', data, width }] : [];
  const constant = (value: number) => new Float64Array(length).fill(value);
  const rows = Float64Array.from({ length }, (_, i) => i);
  const parquet = encodeParquet(
    [
      { name: 'index', kind: 'int64', data: rows },
      { name: 'episode_index', kind: 'int64', data: constant(episode.episodeIndex) },
      { name: 'task_index', kind: 'int64', data: constant(episode.taskIndex) },
      { name: 'timestamp', kind: 'float64', data: rows.map((i) => i / info.fps) },
      ...list('observation.state', state, widths.state),
      ...list('observation.cam_rel_poses', cameraPoses, widths.cameraPoses),
      ...list('action', action, robot.width),
      ...list('observation.task_info', taskInfo, taskInfoKeys.length),
      ...(stages ? [{ name: 'annotation.stage', kind: 'int64' as const, data: stages }] : []),
      ...outcome,
    ],
    length,
  );
  const paths = episodePaths(dir, info, episode.episodeIndex);
  const write = async (path: string, data: Uint8Array | string) => {
    await makeFolder(dirname(path));
    await writeFile(path, data);
  };
  const json = async (path: string | undefined, value: object) => {
    if (path) await write(path, `${JSON.stringify(value, null, 1)}\n`);
  };
  await write(paths.data, parquet);
  await json(paths.metainfo, metaInfo(episode, length));
  await json(paths.annotation, annotation(episode, length));
  for (const { name, feature } of robot.cameras) {
    const path = paths.video(feature);
    const size = layout.pictureSizes[name];
    if (!path || !size) throw new InputError(`episode ${episode.episodeIndex}`, `no place for videos of ${name}.`);
    await makeFolder(dirname(path));
    encodeVideo(path, episode.pictures[name] ?? [], size.width, size.height, { ...layout.video, fps: info.fps });
  }
  return {
    episodeIndex: episode.episodeIndex,
    taskIndex: episode.taskIndex,
    taskName: episode.taskName,
    instruction: episode.instruction,
    length,
    widths,
    hasStages: stages !== undefined,
    ...(outcome.length > 0 && { outcome: outcome.map(({ name }) => name) }),
    distances: distances(robot, state, widths.state, length),
    stats: {
      action: featureStats(action, robot.width),
      'observation.state': featureStats(state, widths.state),
      ...(cameraPoses ? { 'observation.cam_rel_poses': featureStats(cameraPoses, widths.cameraPoses) } : {}),
    },
  };
}

/** Frames and widths of an episode. @throws InputError when its parts do not fit together, or hold what is no number */
function checkedShapes(episode: EpisodeRecord, robot: Robot) {
  const where = `episode ${episode.episodeIndex}`;
  const { state, action, cameraPoses, taskInfo, taskInfoKeys = [], stages } = episode;
  const length = action.length / robot.width;
  if (!Number.isInteger(length) || length === 0)
    throw new InputError(where, `action has ${action.length} numbers (expected T x ${robot.width}, T > 0).`);
  const poseWidth = POSE_WIDTH * robot.cameras.length;
  const sizes: [string, number, number][] = [
    ['state', state.length, length * Math.max(1, Math.floor(state.length / length))],
    ['cameraPoses', cameraPoses?.length ?? 0, cameraPoses ? length * poseWidth : 0],
    ['taskInfo', taskInfo?.length ?? 0, length * taskInfoKeys.length],
    ['stages', stages?.length ?? 0, stages ? length : 0],
  ];
  for (const [name, got, expected] of sizes)
    if (got !== expected)
      throw new InputError(where, `${name} has ${got} numbers (expected ${expected} for ${length} frames).`);
  layoutOfLength(robot, state.length / length);
  for (const [name, values] of Object.entries({ state, action, taskInfo, cameraPoses })) {
    const bad = values?.findIndex((value) => !Number.isFinite(value)) ?? -1;
    if (values && bad >= 0)
      throw new InputError(
        where,
        `${name} holds ${values[bad]} in frame ${Math.floor(bad / (values.length / length))}. Episodes must be finite.`,
      );
  }
  for (const camera of robot.cameraNames) {
    const count = episode.pictures[camera]?.length ?? 0;
    if (count !== length) throw new InputError(where, `camera ${camera} has ${count} pictures (expected ${length}).`);
  }
  const widths = {
    state: state.length / length,
    cameraPoses: cameraPoses ? poseWidth : 0,
    taskInfo: taskInfo ? taskInfoKeys.length : 0,
  };
  return { length, widths };
}
