import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { present } from '../../base/index.ts';
import { encodeVideo } from './encodeVideo.ts';
import { decodeFrames } from './readFrames.ts';

/** Whether H.264 video can be written and read back here; else what is wrong. */
export async function checkVideo(): Promise<{ works: boolean; problem?: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'valet-doctor-'));
  try {
    const side = 32;
    const pictures = [40, 200].map((grey) => new Uint8Array(side * side * 3).fill(grey));
    const path = join(folder, 'check.mp4');
    const fps = 1;
    encodeVideo(path, pictures, side, side, { fps });
    const { frames } = decodeFrames(path, [0, 1], { fps });
    const off = pictures.findIndex(
      (picture, i) =>
        Math.abs(present(present(frames[i], 'frames[i]')[0], 'frames[i][0]') - present(picture[0], 'picture[0]')) > 8,
    );
    return off < 0 ? { works: true } : { works: false, problem: `frame ${off} comes back with other colours` };
  } catch (error) {
    return { works: false, problem: (error as Error).message };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
