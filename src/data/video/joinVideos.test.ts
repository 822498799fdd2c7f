import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeVideo } from './encodeVideo.ts';
import { InseparableError, joinVideos, videoForm } from './joinVideos.ts';
import { probeVideo } from './probeVideo.ts';
import { decodeFrames } from './readFrames.ts';

const FPS = 30;
let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-join-'));
  for (const [name, count, shade] of [
    ['a', 12, 10],
    ['b', 7, 120],
    ['c', 9, 200],
  ] as const)
    encodeVideo(
      at(name),
      Array.from({ length: count }, (_, i) => picture(shade + 3 * i)),
      32,
      24,
      { fps: FPS },
    );
  encodeVideo(at('other'), [picture(1, 16)], 16, 24, { fps: FPS });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const picture = (shade: number, width = 32) => new Uint8Array(width * 24 * 3).fill(shade);
const pictures = (path: string, count: number, startSeconds = 0) =>
  decodeFrames(
    path,
    Array.from({ length: count }, (_, i) => i),
    { fps: FPS, startSeconds },
  ).frames;
const whole = (name: string, frames: number) => ({ path: at(name), startSeconds: 0, frames });

describe('videos joined without decoding', () => {
  it('hold the frames of all, one after the other, and come apart again to the same pictures', () => {
    joinVideos(at('all'), [whole('a', 12), whole('b', 7), whole('c', 9)], FPS);
    expect(probeVideo(at('all'))).toMatchObject({ frames: 28, keyFrames: 3, width: 32, height: 24 });
    const expected = [...pictures(at('a'), 12), ...pictures(at('b'), 7), ...pictures(at('c'), 9)];
    expect(pictures(at('all'), 28)).toEqual(expected);
    joinVideos(at('middle'), [{ path: at('all'), startSeconds: 12 / FPS, frames: 7 }], FPS);
    expect(probeVideo(at('middle')).frames).toBe(7);
    expect(pictures(at('middle'), 7)).toEqual(pictures(at('b'), 7));
  });

  it('refuse what begins between key frames, what is missing, and other forms', () => {
    const cut = (startSeconds: number, frames: number) => () =>
      joinVideos(at('cut'), [{ path: at('a'), startSeconds, frames }], FPS);
    expect(cut(3 / FPS, 4)).toThrow(InseparableError);
    expect(cut(0, 13)).toThrow(/has 12 frames from 0 s on \(expected 13\)/);
    expect(cut(0, 5)).not.toThrow();
    expect(() => joinVideos(at('mix'), [whole('a', 12), whole('other', 1)], FPS)).toThrow(/another codec, size/);
    expect(videoForm(at('a'))).toBe(videoForm(at('b')));
    expect(videoForm(at('a'))).not.toBe(videoForm(at('other')));
  });
});
