import { join } from 'node:path';
import { InputError, present } from '../../base/index.ts';
import type { VideoPlace } from './dataset.ts';
import type { EpisodeTable } from './episodeTable.ts';
import { fillPath, type Info } from './layout.ts';
import { type VideoFile, videoFiles, type WindowRow } from './videoWindows.ts';

/** The windows of a video's episodes cannot be right. */
export class WindowError extends InputError {
  override name = 'WindowError';
}

const MORE = (n: number) => (n > 1 ? ` And ${n - 1} more such.` : '');

/** A feature's part of the index: which file an episode's pictures are in and when, a number for each row. */
interface FeaturePlaces {
  readonly files: readonly Omit<VideoFile, 'windows'>[];
  /** Of `files`; -1 where the index names none. */
  readonly file: Int32Array;
  /** Seconds. */
  readonly from: Float64Array;
  readonly to: Float64Array;
}

/**
 * Where the episodes' parts of the videos of a v3.0 data set are: `(feature, episode_index)` to its place.
 * @throws InputError when the index names no file, WindowError when the windows of a file do not tile it
 */
export function videoPlaces(
  root: string,
  info: Info,
  table: EpisodeTable,
): (feature: string, episode: number) => VideoPlace {
  const known = new Map<string, FeaturePlaces>();
  const where = join(root, 'meta', 'episodes');
  return (feature, episode) => {
    const its = known.get(feature) ?? placesOf(table, feature, info.fps);
    known.set(feature, its);
    const row = table.rowOf(episode) ?? -1;
    const found = its.files[its.file[row] ?? -1];
    const template = info.video_path;
    if (!found || !template)
      throw new InputError(
        where,
        `names no video of ${feature} for episode ${episode} (chunk_index or file_index is missing, or info.json has ` +
          'no video_path). Take the whole index.',
      );
    const { chunk, file, frames, problems } = found;
    const path = fillPath(template, { video_key: feature, chunk_index: chunk, file_index: file });
    const [problem] = problems;
    if (problem !== undefined)
      throw new WindowError(
        where,
        `the windows of the episodes in ${path} are wrong: ${problem}${MORE(problems.length)} ` +
          'They must tile the file ' +
          'in the order of the episodes. Write the set again.',
      );
    const [startSeconds, endSeconds] = [its.from[row] ?? 0, its.to[row] ?? 0];
    return { path: join(root, path), startSeconds, endSeconds, frames };
  };
}

function placesOf(table: EpisodeTable, feature: string, fps: number): FeaturePlaces {
  const numbers = () => new Float64Array(table.rows);
  const its = { file: new Int32Array(table.rows).fill(-1), from: numbers(), to: numbers() };
  const all = Array.from(table.columns.episode, (_, row) => windowRow(table, feature, row) ?? []).flat();
  const files = videoFiles(all, fps).map(({ windows, ...file }, number) => {
    for (const { episode, from, to } of windows) {
      const row = present(table.rowOf(episode), 'the row of the episode');
      [its.file[row], its.from[row], its.to[row]] = [number, from, to];
    }
    return file;
  });
  return { files, ...its };
}

/** What a row says; undefined where it names no file. */
function windowRow(table: EpisodeTable, feature: string, row: number): WindowRow | undefined {
  const columns = table.columns.videos.get(feature);
  const said = (values: Float64Array | undefined) => {
    const value = values?.[row] ?? Number.NaN;
    return Number.isNaN(value) ? null : value;
  };
  const [chunk, file] = [said(columns?.chunk), said(columns?.file)];
  if (chunk === null || file === null) return undefined;
  const time = (value: number | null) => (value === Number.NEGATIVE_INFINITY ? Number.NaN : value);
  const [from, to] = [time(said(columns?.from)), time(said(columns?.to))];
  const [episode = -1, length = 0] = [table.columns.episode[row], table.columns.length[row]];
  return { episode, length, chunk, file, from, to };
}
