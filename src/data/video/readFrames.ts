import { present } from '../../base/index.ts';
import { type FrameSink, type ReadOptions, VideoReader } from './videoReader.ts';

/** The decoded pictures of some frames. */
export interface DecodedFrames {
  readonly width: number;
  readonly height: number;
  /** One uint8 [height, width, 3] RGB picture per wanted frame, in the order asked for. */
  readonly frames: Uint8Array[];
}

/**
 * Decodes the frames `indices` (ascending, unique; frame k has time k/fps from `startSeconds`) and hands each to
 * `sink` as RGB.
 * Frames that are not wanted are decoded only where the codec needs them and never converted.
 * @throws VideoError when the file cannot be read or a wanted frame is not in it
 */
export function readFrames(path: string, indices: readonly number[], sink: FrameSink, options: ReadOptions): void {
  if (indices.length === 0) return;
  const reader = new VideoReader(path, options);
  try {
    reader.read(indices, sink);
  } finally {
    reader.close();
  }
}

/** As `readFrames`, into newly allocated pictures. */
export function decodeFrames(path: string, indices: readonly number[], options: ReadOptions): DecodedFrames {
  const order = [...new Set(indices)].sort((a, b) => a - b);
  const found = new Map<number, Uint8Array>();
  let [width, height] = [0, 0];
  readFrames(
    path,
    order,
    (place, rgb, w, h) => {
      found.set(present(order[place], 'order[place]'), rgb.slice());
      [width, height] = [w, h];
    },
    options,
  );
  return { width, height, frames: indices.map((index) => present(found.get(index), 'found.get(index)')) };
}
