import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('leaves no trace in the home folder or among temporary files: the runtime’s telemetry is off', async () => {
  const home = await mkdtemp(join(tmpdir(), 'valet-home-'));
  try {
    const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
    const { ORT_DISABLE_TELEMETRY: _, ...inherited } = process.env;
    const env = { ...inherited, HOME: home, XDG_CACHE_HOME: '', TMPDIR: home, TSX_DISABLE_CACHE: '1' };
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', main, 'doctor', '--json'], {
      env,
    });
    expect(stdout).toContain('"onnxruntime"');
    const left = (await readdir(home, { recursive: true })).filter((path) => !/^(tsx-|node-compile-cache)/.test(path));
    expect(left).toEqual([]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
