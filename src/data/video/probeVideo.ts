import { type VideoProbe, VideoReader } from './videoReader.ts';

/**
 * What the file says about itself without decoding, and the number of frames it really holds (by reading every
 * packet).
 */
export function probeVideo(path: string): VideoProbe {
  const reader = new VideoReader(path, { fps: 1 });
  try {
    return reader.probe();
  } finally {
    reader.close();
  }
}
