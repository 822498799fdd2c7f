import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Control steps between two frames of a compact track; the page interpolates. */
export const TRACK_STRIDE = 3;
/** Metres that the int16 range of a position covers in either direction: a step is 0.4 mm. */
export const TRACK_METRES = 12;

const NUMBERS = 7;
/** Bytes that the packer hands over at once: small ones cost more than the packing. */
const CHUNK = 1 << 18;

/**
 * A track for the page: positions and quaternions as int16, one number of one body after the other, differences in
 * time, gzipped.
 */
export interface CompactTrack {
  readonly frames: number;
  readonly bodies: number;
  /** Steps of the whole rollout; frame i is at step min(i·stride, steps). */
  readonly steps: number;
  /** base64. */
  readonly data: string;
}

/** @param track float32 [frames, bodies, 7]: xyz in metres, quaternion wxyz, one frame a control step */
export async function compactTrack(track: Float32Array, bodies: number): Promise<CompactTrack> {
  const width = bodies * NUMBERS;
  const steps = track.length / width - 1;
  const frames = Math.ceil(steps / TRACK_STRIDE) + 1;
  const values = new Int16Array(frames * width);
  for (let body = 0; body < bodies; body++) {
    let sign = 1;
    let before = -1;
    for (let frame = 0; frame < frames; frame++) {
      const at = Math.min(frame * TRACK_STRIDE, steps) * width + body * NUMBERS;
      // q and -q are the same rotation: stay on one side, so that differences are small and interpolation takes the
      // short way.
      if (before >= 0) {
        let dot = 0;
        for (let k = 3; k < NUMBERS; k++) dot += (track[at + k] as number) * (track[before + k] as number);
        if (dot < 0) sign = -sign;
      }
      before = at;
      for (let k = 0; k < NUMBERS; k++) {
        const value = (track[at + k] as number) * (k < 3 ? 1 / TRACK_METRES : sign);
        values[(body * NUMBERS + k) * frames + frame] = Math.round(32767 * Math.max(-1, Math.min(1, value)));
      }
    }
  }
  // Low bytes first, then high bytes: those are nearly all 0 or 255 and pack well.
  const bytes = new Uint8Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    const difference = (values[i] as number) - (i % frames === 0 ? 0 : (values[i - 1] as number));
    bytes[i] = difference & 255;
    bytes[values.length + i] = (difference >> 8) & 255;
  }
  return { frames, bodies, steps, data: (await promisify(gzip)(bytes, { chunkSize: CHUNK })).toString('base64') };
}
