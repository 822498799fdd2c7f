import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

async function valet(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return promisify(execFile)(process.execPath, ['--import', 'tsx', join(ROOT, 'src/cli/main.ts'), ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
}

it('help of a command, by either name; what the operating system refuses is one line and exit code 2', async () => {
  const [help, same, refused] = await Promise.all([
    valet('help', 'inspect'),
    valet('inspect', '--help'),
    valet(
      'export',
      'policies/household',
      '--format',
      'safetensors',
      '--out',
      join(ROOT, 'package.json/below'),
      '--quiet',
    ),
  ]);
  expect(help).toEqual(same);
  expect([help.code, help.out]).toEqual([0, expect.stringContaining('Example:')]);
  expect([refused.code, refused.err]).toEqual([
    2,
    expect.stringMatching(/^[^\n]*package\.json: is a file \(expected a folder\).*\n$/),
  ]);
}, 30_000);

it('bench takes several names, and sees to all of them before the first runs', async () => {
  const { code, out, err } = await valet('bench', 'simulator', 'tokeniser');
  expect([code, out, err]).toEqual([
    2,
    '',
    expect.stringMatching(/^bench: there is no benchmark 'tokeniser'\. Did you mean 'tokenizer'\?/),
  ]);
}, 30_000);
