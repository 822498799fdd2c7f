import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { type CompactTrack, compactTrack, TRACK_METRES, TRACK_STRIDE } from './track.ts';

/** The page's decoder, the slow way. @returns [frame][body] of 7 numbers */
function decode({ frames, bodies, data }: CompactTrack): number[][][] {
  const bytes = gunzipSync(Buffer.from(data, 'base64'));
  const count = bodies * 7 * frames;
  const all = Array.from({ length: frames }, () => Array.from({ length: bodies }, () => new Array<number>(7).fill(0)));
  for (let channel = 0; channel < bodies * 7; channel++) {
    let value = 0;
    for (let frame = 0; frame < frames; frame++) {
      const i = channel * frames + frame;
      value = (value + bytes[i]! + 256 * bytes[count + i]!) % 65536;
      const signed = value > 32767 ? value - 65536 : value;
      const k = channel % 7;
      all[frame]![Math.floor(channel / 7)]![k] = (signed / 32767) * (k < 3 ? TRACK_METRES : 1);
    }
  }
  return all;
}

describe('compact track', () => {
  it('keeps positions to a millimetre and rotations to a thousandth, the last step included', async () => {
    const random = Random.of('track');
    const [bodies, steps] = [3, 100];
    const track = new Float32Array((steps + 1) * bodies * 7);
    for (let i = 0; i < track.length; i += 7) {
      for (let k = 0; k < 3; k++) track[i + k] = random.between(-5, 5);
      const q = [random.normal(), random.normal(), random.normal(), random.normal()];
      const length = Math.hypot(...q);
      for (let k = 0; k < 4; k++) track[i + 3 + k] = q[k]! / length;
    }
    const compact = await compactTrack(track, bodies);
    expect(compact).toMatchObject({ bodies, steps, frames: 35 });
    const frames = decode(compact);
    let before: number[][] | undefined;
    frames.forEach((frame, f) => {
      const step = Math.min(f * TRACK_STRIDE, steps);
      frame.forEach((values, body) => {
        const at = 7 * (step * bodies + body);
        for (let k = 0; k < 3; k++) expect(Math.abs(values[k]! - track[at + k]!)).toBeLessThan(1e-3);
        const dot = [0, 1, 2, 3].reduce((sum, k) => sum + values[3 + k]! * track[at + 3 + k]!, 0);
        expect(Math.abs(dot)).toBeGreaterThan(0.9999); // q and -q are the same rotation
        if (before)
          expect([3, 4, 5, 6].reduce((sum, k) => sum + values[k]! * before![body]![k]!, 0)).toBeGreaterThan(-1e-3);
      });
      before = frame;
    });
  });

  it('a rollout of one frame', async () => {
    expect(await compactTrack(Float32Array.from([1, 2, 3, 1, 0, 0, 0]), 1)).toMatchObject({ frames: 1, steps: 0 });
  });
});
