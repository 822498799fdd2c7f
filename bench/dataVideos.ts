import { join } from 'node:path';
import { ValetError } from '../src/base/index.ts';
import { encodeVideo, readFrames } from '../src/data/index.ts';
import { CHALLENGE_ROBOT } from '../src/robot/index.ts';
import { movingPictures } from './movingPictures.ts';
import { Peer } from './peer.ts';
import { type BenchRow, median, row } from './row.ts';

const ROUNDS = 5;
const FPS = CHALLENGE_ROBOT.rate;
/** Width and height, and how many frames of it. */
const SIZES = [
  [64, 900],
  [224, 600],
  [720, 120],
] as const;
/** What other software writes, by PyAV; libraries and pixel formats in FFmpeg's words. */
const FOREIGN = [
  ['H.264 4:2:0', 'libx264', 'yuv420p'],
  ['HEVC 4:2:0', 'libx265', 'yuv420p'],
  ['HEVC 4:2:0, 10 bit', 'libx265', 'yuv420p10le'],
  ['AV1 4:2:0', 'libsvtav1', 'yuv420p'],
] as const;
/** Two corners' numbers, of 255, by which the sides may differ: their conversions from YUV round differently. */
const SAME = 2;

interface Read {
  readonly seconds: number;
  readonly frames: number;
  readonly corners: number;
  readonly version: string;
}

/** Decoding all frames of a video to RGB, one thread: microseconds a frame, beside PyAV on the same file, in turns. */
export async function videoRows(
  folder: string,
  options: { readonly note: (line: string) => void; readonly peer: boolean },
): Promise<BenchRow[]> {
  const peer = options.peer ? await Peer.start('video.py', { set: 'data', note: options.note }) : undefined;
  const rows: BenchRow[] = [];
  try {
    for (const [size, frames] of SIZES) {
      const files: [name: string, path: string][] = [];
      for (const codec of ['h264', 'hevc'] as const) {
        const path = join(folder, `own-${codec}-${size}.mp4`);
        encodeVideo(path, movingPictures(size, frames, 1), size, size, { fps: FPS, codec });
        files.push([`${codec === 'h264' ? 'H.264' : 'HEVC'} 4:4:4 as Valet writes it`, path]);
      }
      for (const [name, codec, format] of peer ? FOREIGN : []) {
        const path = join(folder, `${codec}-${format}-${size}.mp4`);
        const { error } = await (peer as Peer).ask<{ error?: string }>({
          ...{ do: 'write', path, codec, format, size, frames, rate: FPS },
        });
        if (error === undefined) files.push([name, path]);
        else options.note(`${name} at ${size}x${size} is left out: ${error}`);
      }
      for (const [name, path] of files)
        rows.push(await compared(`decoding ${name}, ${size}x${size}`, path, frames, peer));
    }
    return rows;
  } finally {
    peer?.close();
  }
}

async function compared(name: string, path: string, frames: number, peer: Peer | undefined): Promise<BenchRow> {
  const [own, theirs]: [number[], number[]] = [[], []];
  let version = '';
  for (let round = 0; round < ROUNDS; round++) {
    const read = decoded(path, frames);
    own.push(read.seconds);
    const other = await peer?.ask<Read>({ do: 'read', path });
    if (!other) continue;
    if (other.frames !== frames || Math.abs(other.corners - read.corners) > SAME)
      throw new ValetError(
        'bench data',
        `the peer reads something else of ${name} (${other.frames} frames, corners ${other.corners.toFixed(1)}; ` +
          `here ${frames} and ${read.corners.toFixed(1)}).`,
      );
    theirs.push(other.seconds);
    version = other.version;
  }
  const perFrame = (seconds: readonly number[]) => (1e6 * median(seconds)) / frames;
  return row(name, perFrame(own), 'us/frame', peer && { name: version, value: perFrame(theirs) });
}

/** Seconds, and the mean of two corners' numbers. */
function decoded(path: string, frames: number): { seconds: number; corners: number } {
  const all = Array.from({ length: frames }, (_, i) => i);
  let total = 0;
  const start = performance.now();
  readFrames(path, all, (_, rgb) => void (total += (rgb[0] ?? 0) + (rgb.at(-1) ?? 0)), { fps: FPS });
  return { seconds: (performance.now() - start) / 1000, corners: total / frames / 2 };
}
