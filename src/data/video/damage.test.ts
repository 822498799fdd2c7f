import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { probeVideo } from './probeVideo.ts';
import { readFrames } from './readFrames.ts';

const TEST = join(import.meta.dirname, '../../../test');
const VARIANTS = join(TEST, 'golden/dataset-v21/codec-variants');
const CLIPS = {
  'H.264': join(VARIANTS, 'h264_no_b.mp4'),
  HEVC: join(VARIANTS, 'hevc_default.mp4'),
  AV1: join(VARIANTS, 'av1_gop2.mp4'),
  'MPEG-4': join(TEST, 'cases/episode_00000010.mp4'),
};
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-bits-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What reading all of a video comes to: undefined for a whole one, else the message. */
function problemOf(path: string, frames: number, first = 0): string | undefined {
  try {
    readFrames(path, [first], () => undefined, { fps: 30, through: frames - 1 });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a damaged video', () => {
  it('with one flipped bit that the decoder signals is named with frame and time', () => {
    const message = problemOf(join(TEST, 'cases/h264-one-bit.mp4'), 90);
    expect(message).toMatch(/frame 32, 1\.067 s into the file, is damaged \(.*could not be decoded/);
  });

  it('is no obstacle to the episodes before and after its group of pictures', () => {
    const clip = join(TEST, 'cases/h264-one-bit.mp4');
    const read = (index: number) => readFrames(clip, [index], () => undefined, { fps: 30 });
    expect(() => read(0)).not.toThrow();
    expect(() => read(32)).toThrow(/is damaged/);
  });

  it.each(Object.entries(CLIPS))('of %s is refused where the decoder gives a sign, else read', async (_, clip) => {
    const { frames } = probeVideo(clip);
    expect(problemOf(clip, frames)).toBeUndefined();
    const bytes = await readFile(clip);
    const data = bytes.indexOf('mdat');
    const length = bytes.readUInt32BE(data - 4) - 8;
    const random = Random.of('bits', clip.slice(-12));
    const messages: (string | undefined)[] = [];
    for (let i = 0; i < 40; i++) {
      const damaged = Buffer.from(bytes);
      const at = data + 4 + random.integer(length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random.integer(8));
      const path = join(folder, 'damaged.mp4');
      await writeFile(path, damaged);
      messages.push(problemOf(path, frames));
    }
    const told = messages.filter((message) => message !== undefined);
    expect(told.length).toBeGreaterThan(0);
    for (const message of told)
      expect(message).toMatch(/is damaged|not in the video|ends after frame|is missing|failed \(libav/);
  });

  it('that is cut off within its pictures ends after its last frame', async () => {
    const clip = join(VARIANTS, 'h264_default.mp4');
    expect(problemOf(clip, probeVideo(clip).frames + 5)).toMatch(/ends after frame \d+ \(expected frames up to/);
  });
});
