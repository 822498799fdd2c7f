import { InputError, present } from '../base/index.ts';
import { type Dataset, type Episode, pictureFeatures } from './lerobot/index.ts';

/** Colours of the stages in the strip below the pictures; they repeat after eight. */
const STAGE_COLOURS = [
  [78, 121, 167],
  [242, 142, 43],
  [89, 161, 79],
  [225, 87, 89],
  [118, 183, 178],
  [237, 201, 72],
  [176, 122, 161],
  [156, 117, 95],
] as const;
const GAP = 2;
const STRIP = 8;
const SMALLEST_CELL = 128;

export interface ContactSheet {
  readonly width: number;
  readonly height: number;
  /** uint8 [height, width, 3] */
  readonly data: Uint8Array;
  /** The frames that the columns show. */
  readonly frames: readonly number[];
}

/**
 * An episode at a glance: a row per camera, `columns` frames from the first to the last, and a strip of the stages
 * of all frames.
 */
export async function contactSheet(dataset: Dataset, episode: Episode, columns: number): Promise<ContactSheet> {
  const count = Math.min(columns, episode.length);
  const frames = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * (episode.length - 1)) / (count - 1)),
  );
  // Where the robot's cameras are not among them, all pictures that there are.
  const cameras = dataset.cameras.length > 0 ? dataset.cameras : pictureFeatures(dataset.info);
  if (cameras.length === 0) throw new InputError(dataset.root, 'has no pictures to show.');
  const rows = await Promise.all(cameras.map((camera) => dataset.frames(episode, camera, frames)));
  const cell = Math.max(SMALLEST_CELL, ...rows.map((row) => Math.max(row.width, row.height)));
  const width = count * (cell + GAP) + GAP;
  const height = rows.length * (cell + GAP) + GAP + STRIP;
  const data = new Uint8Array(width * height * 3).fill(255);
  rows.forEach((row, r) => {
    row.frames.forEach((picture, c) => {
      place(data, width, GAP + c * (cell + GAP), GAP + r * (cell + GAP), cell, picture, row.width, row.height);
    });
  });
  const stages = await dataset.stages(episode);
  for (let x = 0; stages && x < width; x++) {
    const stage = present(
      stages[Math.min(episode.length - 1, Math.floor((x * episode.length) / width))],
      'stages[Math.min(episode.length - 1, Math.floor(…',
    );
    for (let y = height - STRIP; y < height; y++)
      data.set(
        present(STAGE_COLOURS[stage % STAGE_COLOURS.length], 'STAGE_COLOURS[stage % STAGE_COLOURS.length]'),
        (y * width + x) * 3,
      );
  }
  return { width, height, data, frames };
}

/** Puts a picture into a square cell, enlarged to the nearest pixel. */
function place(
  out: Uint8Array,
  stride: number,
  x0: number,
  y0: number,
  cell: number,
  picture: Uint8Array,
  width: number,
  height: number,
) {
  const scale = cell / Math.max(width, height);
  for (let y = 0; y < Math.floor(height * scale); y++)
    for (let x = 0; x < Math.floor(width * scale); x++) {
      const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * 3;
      out.set(picture.subarray(from, from + 3), ((y0 + y) * stride + x0 + x) * 3);
    }
}
