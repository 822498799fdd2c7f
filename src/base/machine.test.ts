import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { machineMemory } from './machine.ts';
import { memoryRefusal, requireMemory } from './requireMemory.ts';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** A folder with the files of a system. */
async function system(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'valet-machine-'));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

const meminfo = 'MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:    8000000 kB\n';

it('without control groups what the kernel says is free can be used', async () => {
  const root = await system({ 'proc/meminfo': meminfo, 'sys/fs/cgroup/memory.max': 'max\n' });
  expect(machineMemory(root)).toEqual({
    total: 16384e6,
    available: 8192e6,
    limit: null,
    usable: 8192e6,
  });
});

it('the tightest of the groups above the process counts, its file pages not', async () => {
  const root = await system({
    'proc/meminfo': meminfo,
    'proc/self/cgroup': '0::/slice/job\n',
    'sys/fs/cgroup/slice/memory.max': '4000000000\n',
    'sys/fs/cgroup/slice/memory.current': '3500000000\n',
    'sys/fs/cgroup/slice/memory.stat': 'anon 1\ninactive_file 1500000000\n',
    'sys/fs/cgroup/slice/job/memory.max': '3000000000\n',
    'sys/fs/cgroup/slice/job/memory.current': '500000000\n',
  });
  expect(machineMemory(root)).toMatchObject({ limit: 3e9, usable: 2e9 });
});

it('reads version 1 of control groups, where 2^63 means no limit', async () => {
  const files = {
    'proc/meminfo': meminfo,
    'proc/self/cgroup': '9:name=systemd:/\n4:cpu,memory:/box/inner\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '15000000000\n',
  };
  expect(machineMemory(await system(files))).toMatchObject({ limit: null, usable: 8192e6 });
  const bounded = {
    ...files,
    'sys/fs/cgroup/memory/box/memory.limit_in_bytes': '2000000000\n',
    'sys/fs/cgroup/memory/box/memory.usage_in_bytes': '1200000000\n',
    'sys/fs/cgroup/memory/box/memory.stat': 'inactive_file 7\ntotal_inactive_file 200000000\n',
  };
  expect(machineMemory(await system(bounded))).toMatchObject({ limit: 2e9, usable: 1e9 });
});

it('refuses with numbers and the first alternative that fits, unless told to ignore it', () => {
  const others = [
    { setting: 'half', bytes: 5e9 },
    { setting: 'quarter', bytes: 2.5e9 },
    { setting: 'nothing', bytes: 1e8 },
  ];
  const ask = (available: number) => memoryRefusal('the work', 1e10, available, () => others);
  const message = (available: number) => {
    try {
      requireMemory('door', ask, { available, ignore: false });
    } catch (error) {
      expect(error).toMatchObject({ name: 'InputError', kind: 'input' });
      return (error as Error).message;
    }
    return undefined;
  };
  expect(message(1e10)).toBeUndefined();
  expect(message(3e9)).toBe(
    'door: the work needs about 10.0 GB of memory (3.00 GB can be used here). ' +
      'Nearest setting that fits: quarter (about 2.50 GB). VALET_IGNORE_MEMORY=1 goes on all the same.',
  );
  expect(message(1e7)).toContain('No setting fits: even nothing needs about 100 MB.');
  expect(() => requireMemory('door', ask, { available: 1, ignore: true })).not.toThrow();
});
