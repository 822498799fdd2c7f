import { AbandonedError, InputError, native } from '../base/index.ts';
import type { Picture, Pictures } from '../robot/index.ts';

/** The side of the largest picture that is taken, in pixels. */
export const LARGEST_SIDE = 8192;

/** Whether bytes begin like a JPEG file. */
export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/** A picture that is still a JPEG file: its width and height are 0 until it is decoded. */
export function encodedJpeg(file: Uint8Array): Picture {
  return { width: 0, height: 0, channels: 3, data: file };
}

/** Whether a picture is still a file. */
export const isEncoded = ({ width }: Picture): boolean => width === 0;

export interface JpegLimits {
  /** Bytes that the picture may take as pixels. */
  readonly maxBytes?: number | undefined;
  /** What the picture is called in errors. */
  readonly name?: string;
}

/**
 * The pixels of a JPEG file, RGB.
 * @throws InputError for a file that cannot be read, or is larger than `maxBytes` as pixels
 */
export async function decodeJpeg(
  file: Uint8Array,
  { maxBytes = 3 * LARGEST_SIDE * LARGEST_SIDE, name = 'picture' }: JpegLimits = {},
): Promise<Picture> {
  try {
    // Loaded with the first file: planning workers see none, and start anew in less time without it.
    const { default: sharp } = await import('sharp');
    const reader = sharp(file, { limitInputPixels: Math.floor(maxBytes / 3), failOn: 'error' });
    const pixels = reader.removeAlpha().toColourspace('srgb').raw();
    const { data, info } = await native(() => pixels.toBuffer({ resolveWithObject: true }));
    const { width, height } = info;
    return { width, height, channels: 3, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  } catch (error) {
    if (error instanceof AbandonedError) throw error;
    throw new InputError(
      'picture',
      `"${name.slice(0, 80)}" begins like a JPEG file but cannot be read as one, or is too large.`,
    );
  }
}

/**
 * The pictures as pixels; those of raw pixels are passed on as they are.
 * @throws InputError for a file that cannot be read
 */
export async function decodePictures(pictures: Pictures, maxBytes?: number): Promise<Pictures> {
  if (!Object.values(pictures).some(isEncoded)) return pictures;
  const decoded = await Promise.all(
    Object.entries(pictures).map(async ([name, picture]) => {
      const pixels = isEncoded(picture) ? await decodeJpeg(picture.data, { maxBytes, name }) : picture;
      return [name, pixels] as const;
    }),
  );
  return Object.fromEntries(decoded);
}
