import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const BASE = join(import.meta.dirname, 'index.ts');

async function exitCodeOf(program: string): Promise<number> {
  const words = ['--import', 'tsx', '--input-type=module', '--eval', program];
  return promisify(execFile)(process.execPath, words).then(
    () => 0,
    ({ code }: { code: number }) => code,
  );
}

it('ends with the first code, after the call that a worker is in, whatever the failing work asks for', async () => {
  const program = `
    const { endProcess, WorkerClient } = await import(${JSON.stringify(BASE)});
    const client = WorkerClient.start('base/echo.worker');
    await client.call('add', [1, 2]);
    const work = client.call('block', 300).then(() => endProcess(0), () => endProcess(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await endProcess(130);
    await work;`;
  expect(await exitCodeOf(program)).toBe(130);
}, 30_000);
