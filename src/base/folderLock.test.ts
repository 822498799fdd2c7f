import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockFolder } from './folderLock.ts';

let root: string;
let out: string;
let file: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'valet-lock-'));
  out = join(root, 'run');
  file = join(root, '.run.lock');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const owner = (more: object) => ({
  pid: 1,
  host: hostname(),
  work: 'valet train',
  since: 'noon',
  began: null,
  ...more,
});

/** A process number that nobody has any more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.once('exit', resolve));
  return child.pid!;
}

it('one at a time; nothing is left behind', async () => {
  const locks = await Promise.allSettled(Array.from({ length: 6 }, () => lockFolder(join(root, 'a/b'), 'valet eval')));
  const got = locks.flatMap((lock) => (lock.status === 'fulfilled' ? [lock.value] : []));
  expect(got).toHaveLength(1);
  const [refused] = locks.flatMap((lock) => (lock.status === 'rejected' ? [lock.reason] : []));
  expect(refused).toMatchObject({ kind: 'input' });
  expect(refused.message).toMatch(new RegExp(`valet eval writes there since .* \\(process ${process.pid}\\)\\. Wait`));
  await got[0]!.release();
  await got[0]!.release();
  const again = await lockFolder(join(root, 'a/b'), 'valet eval');
  await again.release();
  expect(await readdir(root)).toEqual([]);
});

it('takes over from a process that is gone, also when many want to', async () => {
  const pid = await deadPid();
  for (const stale of [
    JSON.stringify(owner({ pid })),
    // The number belongs to another process by now.
    JSON.stringify(owner({ pid: process.pid, began: '1' })),
  ]) {
    if (stale.includes('"began":"1"') && !existsSync('/proc/self/stat')) continue;
    await writeFile(file, stale);
    const locks = await Promise.allSettled(Array.from({ length: 4 }, () => lockFolder(out, 'valet train')));
    const got = locks.flatMap((lock) => (lock.status === 'fulfilled' ? [lock.value] : []));
    expect(got).toHaveLength(1);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
    await got[0]!.release();
  }
  // A lock that was left half written.
  await writeFile(file, '{"pi');
  await utimes(file, 0, 0);
  await (await lockFolder(out, 'valet train')).release();
  expect(await readdir(root)).toEqual([]);
});

it('does not judge processes of other machines', async () => {
  await writeFile(file, JSON.stringify(owner({ host: 'elsewhere', pid: await deadPid() })));
  await expect(lockFolder(out, 'valet train')).rejects.toThrow(/process \d+ on elsewhere.* remove .*\.run\.lock/);
  expect(existsSync(file)).toBe(true);
});
