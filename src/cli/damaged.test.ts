import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { fakeEpisode } from '../../test/support/data.ts';
import { DatasetWriter } from '../data/index.ts';

const ROOT = join(import.meta.dirname, '../..');

async function valet(...args: string[]): Promise<{ code: number; err: string }> {
  const command = ['--import', 'tsx', join(ROOT, 'src/cli/main.ts'), ...args];
  return promisify(execFile)(process.execPath, command, { cwd: ROOT }).then(
    ({ stderr }) => ({ code: 0, err: stderr }),
    ({ code, stderr }) => ({ code, err: stderr }),
  );
}

it('several damaged files end a command with exit code 2, whatever its workers are doing then', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'valet-damaged-'));
  try {
    const data = join(folder, 'data');
    const writer = await DatasetWriter.create(data, { imageSize: 16 });
    for (let seed = 0; seed < 12; seed++)
      await writer.addEpisode(fakeEpisode({ length: 60, size: 16, seed, instance: 1_000_000 + seed }));
    await writer.finish();
    const files = (await readdir(data, { recursive: true })).filter((name) => name.endsWith('.parquet')).sort();
    expect(files).toHaveLength(12);
    for (const [i, name] of files.entries()) if (i % 2 === 1) await truncate(join(data, name), 2000);
    for (const round of [1, 2, 3]) {
      const { code, err } = await valet('stats', data, '--out', join(folder, `out${round}`));
      expect([code, err.trim().split('\n').at(-1)]).toEqual([
        2,
        expect.stringMatching(/episode_0+1\.parquet.*cannot be read as parquet.*And 5 more files are bad/),
      ]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 240_000);
