import { AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { FormatContext, Packet } from 'node-av/lib';
import { check } from './videoError.ts';
import { SEEK_GAP } from './videoReader.ts';

/**
 * Frames from a video's first key frame to its second, without decoding; at most those beyond which seeking is quicker
 * in any case. @throws VideoError when the file cannot be read
 */
export function keyFrameGap(path: string): number {
  const format = new FormatContext();
  const packet = new Packet();
  check(path, format.openInputSync(path), 'opening the video');
  packet.alloc();
  try {
    const stream = format.streams.find((s) => s.codecpar.codecType === AVMEDIA_TYPE_VIDEO);
    let frames = 0;
    while (frames < SEEK_GAP && format.readFrameSync(packet) >= 0) {
      const isVideo = packet.streamIndex === stream?.index;
      const { isKeyframe } = packet;
      packet.unref();
      if (!isVideo) continue;
      if (isKeyframe && frames > 0) return frames;
      frames++;
    }
    return Math.max(1, frames);
  } finally {
    packet.free();
    format.closeInputSync();
  }
}
