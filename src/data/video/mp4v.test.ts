import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Codec, CodecContext, FormatContext, Frame, Packet, Rational } from 'node-av';
import { AV_CODEC_FLAG_GLOBAL_HEADER, AV_CODEC_ID_MPEG4, AV_PIX_FMT_YUV420P } from 'node-av/constants';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { probeVideo } from './probeVideo.ts';
import { decodeFrames } from './readFrames.ts';

const FPS = 30;
const FRAMES = 40;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'valet-mp4v-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Luma of frame `t`, the same everywhere. */
const level = (t: number): number => 30 + 5 * t;

/** Writes MPEG-4 part 2 of grey pictures. @param inBand sizes stand in the stream alone, as OpenCV leaves them */
function write(path: string, { width = 64, height = 64, bFrames = 0, inBand = false, gop = 12 }): void {
  const [encoder, format, packet] = [new CodecContext(), new FormatContext(), new Packet()];
  const codec = Codec.findEncoder(AV_CODEC_ID_MPEG4);
  if (!codec) throw new Error('no encoder of MPEG-4');
  encoder.allocContext3(codec);
  Object.assign(encoder, { width, height, pixelFormat: AV_PIX_FMT_YUV420P, gopSize: gop, maxBFrames: bFrames });
  encoder.timeBase = new Rational(1, FPS);
  encoder.framerate = new Rational(FPS, 1);
  encoder.bitRate = 4_000_000n;
  if (!inBand) encoder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  encoder.open2Sync(codec);
  format.allocOutputContext2(null, null, path);
  const stream = format.newStream(null);
  stream.timeBase = new Rational(1, FPS);
  encoder.parametersFromContext(stream.codecpar);
  format.openOutputSync();
  format.writeHeaderSync();
  packet.alloc();
  const drain = () => {
    while (encoder.receivePacketSync(packet) >= 0) {
      packet.streamIndex = 0;
      packet.duration = 1n;
      packet.rescaleTs(encoder.timeBase, stream.timeBase);
      format.interleavedWriteFrameSync(packet);
      packet.unref();
    }
  };
  for (let t = 0; t < FRAMES; t++) {
    const frame = new Frame();
    frame.alloc();
    Object.assign(frame, { format: AV_PIX_FMT_YUV420P, width, height });
    frame.getBuffer();
    const [luma, ...colours] = frame.data ?? [];
    luma?.fill(level(t));
    for (const plane of colours) plane.fill(128);
    frame.pts = BigInt(t);
    encoder.sendFrameSync(frame);
    frame.free();
    drain();
  }
  encoder.sendFrameSync(null);
  drain();
  format.writeTrailerSync();
  format.closeOutputSync();
  for (const one of [format, encoder]) one.freeContext();
}

it.each<[string, string, Parameters<typeof write>[1]]>([
  ['of which the stream alone has the size', 'stream.mp4', { inBand: true, width: 96, height: 64 }],
  ['with pictures that look ahead', 'ahead.mp4', { bFrames: 2 }],
  ['of an odd size, in Matroska', 'odd.mkv', { width: 51, height: 37 }],
  ['with one key frame', 'one.mp4', { gop: 600, inBand: true }],
])('a video of the codec mp4v %s has its size, and each picture in its place', (_, name, settings) => {
  const path = join(folder, name);
  write(path, settings);
  const { width = 64, height = 64 } = settings;
  expect(probeVideo(path)).toMatchObject({ width, height, frames: FRAMES });
  const wanted = [0, 1, 11, 12, 13, 27, FRAMES - 1];
  const decoded = decodeFrames(path, wanted, { fps: FPS });
  expect([decoded.height, decoded.width]).toEqual([height, width]);
  for (const [i, t] of wanted.entries()) {
    const grey = Math.min(255, Math.round(((level(t) - 16) * 255) / 219));
    const picture = decoded.frames[i] as Uint8Array;
    for (const place of [0, picture.length >> 1, picture.length - 1])
      expect(Math.abs((picture[place] ?? -1) - grey), `frame ${t}: ${picture[place]}`).toBeLessThanOrEqual(2);
  }
});
