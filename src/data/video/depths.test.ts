import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSafetensors } from '../../tensor/index.ts';
import { decodeFrames } from './readFrames.ts';

const CLIPS = join(import.meta.dirname, '../../../test/cases/video-depths');

it.each(readdirSync(CLIPS).filter((name) => /\.(mp4|mkv)$/.test(name)))(
  'decodes %s to the very pictures of LeRobot’s reader',
  async (name) => {
    const expected = (await readSafetensors(join(CLIPS, 'expected.safetensors'))).get(`${name}/rgb`);
    const [count = 0, height, width] = expected?.shape ?? [];
    const indices = Array.from({ length: count }, (_, i) => i);
    const decoded = decodeFrames(join(CLIPS, name), indices, { fps: 30 });
    expect([decoded.height, decoded.width]).toEqual([height, width]);
    expect(Buffer.compare(Buffer.concat(decoded.frames), expected?.data as Uint8Array)).toBe(0);
  },
);
