import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const BASE = join(ROOT, 'test/golden/checkpoint-pi05-base/checkpoint');
let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'valet-inspect-'));
});
afterAll(() => rmSync(place, { recursive: true }));

async function valet(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const command = ['--import', 'tsx', join(ROOT, 'src/cli/main.ts'), ...args];
  return promisify(execFile)(process.execPath, command, { cwd: ROOT, maxBuffer: 2 ** 24 }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
}

it('inspect says what a checkpoint is; a leaf that is not there is refused with the nearest name', async () => {
  const summary = JSON.parse((await valet('inspect', BASE, '--json', '--leaf', 'action_out_proj/bias')).out);
  expect(summary).toMatchObject({ layout: 'pi05', missing: [], extra: [], problem: null });
  expect(summary.leaves).toHaveLength(51);
  expect(summary.leaves[0]).toEqual({
    name: 'PaliGemma/img/Transformer/encoder_norm/bias',
    shape: [24],
    dtype: 'float32',
  });
  expect(Object.values<number>(summary.parts).reduce((a, b) => a + b, 0)).toBe(summary.parameters);
  expect(summary.statistics['action_out_proj/bias']).toMatchObject({ count: 32, nan: 0 });
  const wrong = await valet('inspect', BASE, '--leaf', 'action_out_proj/bia');
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('Did you mean action_out_proj/bias?')]);
}, 30_000);

it('import, then export; what is not built says so and leaves nothing', async () => {
  const out = join(place, 'valet');
  const imported = JSON.parse((await valet('import', BASE, '--out', out, '--json', '--quiet')).out);
  expect(imported).toMatchObject({ layout: 'pi05', taken: 51, tasks: 50, hasStatistics: false });
  const exported = await valet(
    'export',
    out,
    '--format',
    'safetensors',
    '--out',
    join(place, 'one.safetensors'),
    '--json',
  );
  expect(JSON.parse(exported.out).leaves).toBe(74);
  const again = await valet('import', BASE, '--out', out);
  expect([again.code, again.err]).toEqual([2, expect.stringContaining('exists already')]);
  expect(readdirSync(place).sort()).toEqual(['one.safetensors', 'valet']);
}, 60_000);
