import sharp from 'sharp';
import type { Picture } from '../../robot/index.ts';
import type { GoldenCase } from '../goldenCase.ts';

/** A picture of the case with the channels that it has (RGB or RGBA; alpha carries values and is not blended). */
export async function readPicture(golden: GoldenCase, file: string): Promise<Picture> {
  const { data, info } = await sharp(await golden.bytes(file))
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const channels = info.channels === 4 ? 4 : 3;
  return { width: info.width, height: info.height, channels, data: new Uint8Array(data) };
}
