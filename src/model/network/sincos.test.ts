import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { relativeError } from '../../../test/support/model.ts';
import { readSafetensors } from '../../tensor/index.ts';
import { STAGE_PERIODS, sincosFrequencies, TIME_PERIODS } from './sincos.ts';

const file = join(dirname(fileURLToPath(import.meta.url)), '../../../test/golden/sincos/sincos.safetensors');

it('rounds the frequencies as the original does', async () => {
  for (const [name, { data }] of await readSafetensors(file)) {
    const match = name.match(/^(stage|time)\/frequency_(\d+)$/);
    if (!match) continue;
    const [low, high] = match[1] === 'stage' ? STAGE_PERIODS : TIME_PERIODS;
    const got = sincosFrequencies(Number(match[2]), low, high);
    for (let i = 0; i < got.length; i++)
      expect(relativeError([got[i]!], [data[i] as number]).relative).toBeLessThan(3e-7);
    const same = got.filter((x, i) => x === data[i]).length;
    expect(got.length - same).toBeLessThanOrEqual(match[2] === '16' ? 1 : 0);
  }
});
