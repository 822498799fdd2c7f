import { decodeJpeg, isEncoded, resizeWithPad } from '../../picture/index.ts';
import type { Picture, Pictures } from '../../robot/index.ts';

/**
 * Pictures as the network takes them, RGB uint8 [size, size, 3] each, side by side in one piece of memory that threads
 * share: a worker reads what was written here. The planner would resize them in the same way, and finds them resized.
 * All that is read of `pictures` is read before this returns: they may lie in memory that is used again (pixels are
 * resized at once, JPEG files are copied and opened later).
 * @throws InputError for a picture that cannot be read, or takes more than `maxBytes` as pixels
 */
export async function plannerPictures(pictures: Pictures, size: number, maxBytes?: number): Promise<Pictures> {
  const entries = Object.entries(pictures);
  const bytes = 3 * size * size;
  const memory = new SharedArrayBuffer(entries.length * bytes);
  const files: { readonly name: string; readonly file: Uint8Array; readonly data: Uint8Array }[] = [];
  const resized: Record<string, Picture> = {};
  for (const [i, [name, picture]] of entries.entries()) {
    const data = new Uint8Array(memory, i * bytes, bytes);
    if (isEncoded(picture)) files.push({ name, file: picture.data.slice(), data });
    else data.set(resizeWithPad(picture, size));
    resized[name] = { width: size, height: size, channels: 3, data };
  }
  const decoded = files.map(async ({ name, file, data }) => {
    data.set(resizeWithPad(await decodeJpeg(file, { name, maxBytes }), size));
  });
  if (decoded.length > 0) await Promise.all(decoded);
  return resized;
}
