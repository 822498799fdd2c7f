import sharp from 'sharp';
import { InputError } from '../../base/index.ts';
import { pixelText } from '../../picture/index.ts';
import { createExpert } from '../expert/index.ts';
import { openHousehold } from '../tasks/index.ts';
import type { HomeTask, Household, Snapshot } from '../world/index.ts';

/** Cameras' pictures are magnified to this side at least, by whole numbers. */
const SMALLEST_TILE = 256;
const LARGEST_PICTURE = 1024;
/** The room's picture, wide to high. */
const ROOM_SHAPE = 1.5;
/** Beside the rows: the time. Above them: the cameras' names. */
const GUTTER = 120;
const HEADER = 32;
const MARGIN = 8;

export interface ExpertSheet {
  /** The picture file. */
  readonly bytes: Uint8Array;
  readonly steps: number;
  readonly success: boolean;
}

type Tile = Parameters<ReturnType<typeof sharp>['composite']>[0][number];

/** JPEG's quality from 1 to 100: a sheet of three rows at 256 pixels takes less than 60 KB. */
const JPEG_QUALITY = 45;

/**
 * An episode of the expert as a PNG or JPEG: a row for each of several moments, with its time, the room and what the
 * robot's cameras see (magnified by a whole number, never made smaller).
 * @throws InputError for a sheet of no or too many moments, or too large pictures
 */
export async function expertSheet(
  task: string | HomeTask,
  instance: number,
  {
    moments = 6,
    imageSize = 64,
    format = 'png',
  }: { moments?: number; imageSize?: number; format?: 'png' | 'jpeg' } = {},
): Promise<ExpertSheet> {
  if (moments < 2 || moments > 40) throw new InputError('expertSheet', `a sheet has 2 to 40 moments (got ${moments}).`);
  if (imageSize > LARGEST_PICTURE)
    throw new InputError('expertSheet', `pictures are at most ${LARGEST_PICTURE} pixels wide (got ${imageSize}).`);
  const household = await openHousehold(task, { imageSize });
  const expert = createExpert(household);
  try {
    household.reset(instance);
    const snapshots: Snapshot[] = [household.snapshot()];
    let result = { done: false, success: false };
    while (!result.done) {
      result = household.step(expert.act());
      snapshots.push(household.snapshot());
    }
    const rows = Array.from({ length: moments }, (_, row) =>
      Math.round((row * (snapshots.length - 1)) / (moments - 1)),
    );
    const sheet = await drawn(household, rows, snapshots, imageSize);
    const bytes = await (format === 'png' ? sheet.png() : sheet.jpeg({ quality: JPEG_QUALITY })).toBuffer();
    return { bytes, steps: snapshots.length - 1, success: result.success };
  } finally {
    expert.close();
    household.close();
  }
}

async function drawn(household: Household, rows: number[], snapshots: Snapshot[], imageSize: number) {
  const { cameraNames, rate } = household.robot;
  const side = imageSize * Math.ceil(SMALLEST_TILE / imageSize);
  const roomWidth = Math.round(ROOM_SHAPE * side);
  const left = (camera: number): number => GUTTER + roomWidth + camera * side;
  const tiles: Tile[] = [label('the room', GUTTER + MARGIN, MARGIN)];
  for (const [i, camera] of cameraNames.entries()) tiles.push(label(camera, left(i) + MARGIN, MARGIN));
  for (const [row, step] of rows.entries()) {
    household.restore(snapshots[step] as Snapshot);
    const top = HEADER + row * side;
    tiles.push(label(`${(step / rate).toFixed(1)} s`, MARGIN, top + MARGIN));
    tiles.push(label(`step ${step}`, MARGIN, top + 4 * MARGIN));
    const room = household.picture('overview', roomWidth, side);
    tiles.push(tile(room.data, roomWidth, side, GUTTER, top));
    for (const [i, camera] of cameraNames.entries()) {
      const { data } = household.cameraPicture(camera);
      const large = await sharp(data, { raw: { width: imageSize, height: imageSize, channels: 3 } })
        .resize(side, side, { kernel: 'nearest' })
        .raw()
        .toBuffer();
      tiles.push(tile(large, side, side, left(i), top));
    }
  }
  const width = left(cameraNames.length);
  const height = HEADER + rows.length * side;
  return sharp({ create: { width, height, channels: 3, background: '#000' } }).composite(tiles);
}

function label(text: string, left: number, top: number): Tile {
  const { data, width, height } = pixelText(text);
  return tile(data, width, height, left, top);
}

const tile = (data: Uint8Array, width: number, height: number, left: number, top: number): Tile => ({
  input: Buffer.from(data),
  raw: { width, height, channels: 3 },
  left,
  top,
});
