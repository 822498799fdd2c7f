import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { InputError, present } from '../../base/index.ts';
import { type FrameSink, readFrames, VideoError } from '../video/index.ts';
import type { Dataset, Episode, EpisodePictures, PictureOptions } from './dataset.ts';
import { numbersFrames } from './numericColumns.ts';
import { columnName, queryParquet } from './parquet.ts';

type Source = Pick<Dataset, 'root' | 'info' | 'fps' | 'video' | 'dataPath' | 'cameraFeature'>;

/**
 * Hands the pictures of the frames `indices` (ascending, unique) of an episode to `sink`: of a video, or of a column of
 * the table that holds a PNG or JPEG file in each row. Of a video every frame of the episode is decoded and must be
 * whole, unless `whole` is false.
 * @throws VideoError or InputError when a picture is missing or damaged
 */
export async function eachPicture(
  dataset: Source,
  episode: Episode,
  camera: string,
  indices: readonly number[],
  sink: FrameSink,
  { whole = true, seekGap }: PictureOptions = {},
): Promise<void> {
  const feature = dataset.cameraFeature(camera);
  if (dataset.info.features[feature]?.dtype === 'image') return readStored(dataset, episode, feature, indices, sink);
  const { path, startSeconds } = dataset.video(episode, camera);
  const options = { fps: dataset.fps, startSeconds, seekGap, ...(whole && { through: episode.length - 1 }) };
  try {
    readFrames(path, indices, sink, options);
  } catch (error) {
    if (!(error instanceof VideoError)) throw error;
    const what = error.message.slice(error.where.length + 2);
    throw new VideoError(path, `episode ${episode.index}, camera ${camera}: ${what}`, { cause: error });
  }
}

/** As `eachPicture`, into newly allocated pictures. */
export async function picturesOf(
  dataset: Source,
  episode: Episode,
  camera: string,
  indices: readonly number[],
): Promise<EpisodePictures> {
  const order = [...new Set(indices)].sort((a, b) => a - b);
  const found = new Map<number, Uint8Array>();
  let [width, height] = [0, 0];
  await eachPicture(
    dataset,
    episode,
    camera,
    order,
    (place, rgb, w, h) => {
      found.set(present(order[place], 'the frame'), rgb.slice());
      [width, height] = [w, h];
    },
    { whole: false },
  );
  return { width, height, frames: indices.map((index) => present(found.get(index), 'the picture')) };
}

/** Rows asked for at once: their compressed pictures are in memory together. */
const ROWS = 64;

async function readStored(
  dataset: Source,
  episode: Episode,
  feature: string,
  indices: readonly number[],
  sink: FrameSink,
): Promise<void> {
  const path = dataset.dataPath(episode);
  const column = columnName(feature);
  for (let at = 0; at < indices.length; at += ROWS) {
    const wanted = indices.slice(at, at + ROWS);
    // The frame by its number where the table has one; else the row of the episode.
    const frame = numbersFrames(dataset.info) ? 'frame_index - min(frame_index) over ()' : 'row_number() over () - 1';
    const sql = (table: string) => `select n, picture from (
      select ${frame} as n, ${column} as picture from ${table}
      where episode_index = ${episode.index}) where n in (${wanted.join(', ')})`;
    const rows = new Map((await queryParquet(path, sql)).map((row) => [Number(row['n']), row['picture']]));
    for (const [i, index] of wanted.entries()) {
      const where = `${path}: ${feature}, episode ${episode.index}, frame ${index}`;
      const { data, info } = await decoded(dataset.root, where, rows.get(index));
      sink(at + i, data, info.width, info.height);
    }
  }
}

async function decoded(root: string, where: string, value: unknown) {
  const { bytes, path } = (value instanceof Uint8Array ? { bytes: value } : (value ?? {})) as {
    bytes?: Uint8Array | null;
    path?: string | null;
  };
  const file = bytes ?? (path ? await readFile(join(root, path)).catch(() => undefined) : undefined);
  if (!file) throw new InputError(where, 'holds no picture (expected the bytes of a PNG or JPEG file, or its path).');
  try {
    return await sharp(file).removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  } catch (error) {
    throw new InputError(where, `the picture cannot be decoded (${(error as Error).message}).`, { cause: error });
  }
}
