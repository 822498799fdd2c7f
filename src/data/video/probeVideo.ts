import { decodeFrames } from './readFrames.ts';
import { type VideoProbe, VideoReader } from './videoReader.ts';

/**
 * What the file says about itself without decoding, and the number of frames it really holds (by reading every
 * packet).
 */
export function probeVideo(path: string): VideoProbe {
  const reader = new VideoReader(path, { fps: 1 });
  try {
    const probe = reader.probe();
    if (probe.width > 0) return probe;
    // Some writers (OpenCV's mp4v) leave the size to the pictures themselves.
    const { width, height } = decodeFrames(path, [0], { fps: 1 });
    return { ...probe, width, height };
  } finally {
    reader.close();
  }
}
