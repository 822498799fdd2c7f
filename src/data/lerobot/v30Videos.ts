import { join } from 'node:path';
import { InputError, present } from '../../base/index.ts';
import type { VideoPlace } from './dataset.ts';
import { fillPath, type Info } from './layout.ts';
import type { Row } from './v30Tables.ts';
import { type VideoFile, videoFiles, type WindowRow } from './videoWindows.ts';

/** The windows of a video's episodes cannot be right. */
export class WindowError extends InputError {
  override name = 'WindowError';
}

const MORE = (n: number) => (n > 1 ? ` And ${n - 1} more such.` : '');

/**
 * Where the episodes' parts of the videos of a v3.0 data set are: `(feature, episode_index)` to its place.
 * @throws InputError when the index names no file, WindowError when the windows of a file do not tile it
 */
export function videoPlaces(
  root: string,
  info: Info,
  rows: readonly Row[],
): (feature: string, episode: number) => VideoPlace {
  const found = new Map<string, ReadonlyMap<number, { file: VideoFile; at: number }>>();
  const where = join(root, 'meta', 'episodes');
  const filesOf = (feature: string) => {
    const files = videoFiles(
      rows.flatMap((row) => windowRow(row, feature) ?? []),
      info.fps,
    );
    return new Map(files.flatMap((file) => file.windows.map(({ episode }, at) => [episode, { file, at }] as const)));
  };
  return (feature, episode) => {
    let places = found.get(feature);
    if (!places) {
      places = filesOf(feature);
      found.set(feature, places);
    }
    const place = places.get(episode);
    const template = info.video_path;
    if (!place || !template)
      throw new InputError(
        where,
        `names no video of ${feature} for episode ${episode} (chunk_index or file_index is missing, or info.json has ` +
          'no video_path). Take the whole index.',
      );
    const { chunk, file, windows, frames, problems } = place.file;
    const path = fillPath(template, { video_key: feature, chunk_index: chunk, file_index: file });
    const [problem] = problems;
    if (problem !== undefined)
      throw new WindowError(
        where,
        `the windows of the episodes in ${path} are wrong: ${problem}${MORE(problems.length)} ` +
          'They must tile the file ' +
          'in the order of the episodes. Write the set again.',
      );
    const { from, to } = present(windows[place.at], 'the window');
    return { path: join(root, path), startSeconds: from, endSeconds: to, frames };
  };
}

/** What a row says; undefined where it names no file. */
function windowRow(row: Row, feature: string): WindowRow | undefined {
  const number = (name: string): number | null => {
    const value = row[`videos/${feature}/${name}`];
    return value === undefined || value === null || !Number.isFinite(Number(value)) ? null : Number(value);
  };
  const [chunk, file] = [number('chunk_index'), number('file_index')];
  if (chunk === null || file === null) return undefined;
  // pandas writes a missing number as NaN; any other that is none is wrong, and is told with the windows.
  const time = (name: string): number | null => {
    const value = row[`videos/${feature}/${name}`];
    return value === undefined || value === null || Number.isNaN(value) ? null : Number(value);
  };
  const [from, to] = [time('from_timestamp'), time('to_timestamp')];
  return { episode: row.episode_index, length: row.length, chunk, file, from, to };
}
