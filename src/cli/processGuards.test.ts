import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const BASE = join(import.meta.dirname, '../base/index.ts');
const GUARDS = join(import.meta.dirname, 'processGuards.ts');

function run(body: string) {
  const program = `
    const { guardProcess } = await import(${JSON.stringify(GUARDS)});
    const { endProcess, WorkerClient } = await import(${JSON.stringify(BASE)});
    guardProcess();
    ${body}`;
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program]);
}

it.each([
  ['an error', 'setTimeout(() => { throw new Error("nobody caught this"); });'],
  ['a promise', 'void Promise.reject(new Error("nobody caught this"));'],
])(
  '%s that nobody caught ends the process with 1, after the native call that a worker is in',
  async (_, failing) => {
    const child = run(`
    const client = WorkerClient.start('base/echo.worker');
    await client.call('add', [1, 2]);
    client.call('block', 300).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    ${failing}
    await new Promise((resolve) => setTimeout(resolve, 60_000));`);
    const told = text(child.stderr);
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(await told).toMatch(/nobody caught this/);
  },
  30_000,
);

it.each(['stdout', 'stderr'] as const)(
  'goes on when whoever read its %s has gone',
  async (name) => {
    const child = run(`
    process.${name}.write('ready');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    for (let i = 0; i < 20; i++) {
      process.${name}.write('to nobody');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await endProcess(7);`);
    await once(child[name], 'data');
    child[name].destroy();
    child.stdin.write('go');
    expect(await once(child, 'exit')).toEqual([7, null]);
  },
  30_000,
);
