import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultMemory, InputError, parseBytes } from '../../base/index.ts';
import { checkpointFolder } from '../../model/index.ts';
import { folderOfTask, readCheckpointMapping } from './checkpointMapping.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-routes-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function mapping(content: unknown): Promise<string> {
  const path = join(folder, 'mapping.json');
  await writeFile(path, JSON.stringify(content));
  return path;
}

describe('a mapping file', () => {
  it('gives each task its checkpoint, and the default to the rest', async () => {
    const read = await readCheckpointMapping(await mapping({ default: 'a', tasks: { '0-2, 7': 'b', '12': '/c' } }));
    expect([-1, 0, 2, 3, 7, 12].map((task) => folderOfTask(read, task))).toEqual([
      join(folder, 'a'),
      join(folder, 'b'),
      join(folder, 'b'),
      join(folder, 'a'),
      join(folder, 'b'),
      '/c',
    ]);
  });

  it("takes the original's form, its folders beside the file or where the command runs", async () => {
    await mkdir(join(folder, 'two'));
    const tasks = Array.from({ length: 50 }, (_, task) => task);
    const read = await readCheckpointMapping(
      await mapping({
        checkpoints: {
          one: { path: 'src', tasks: tasks.slice(0, 40) },
          two: { path: 'two', tasks: tasks.slice(40) },
        },
      }),
    );
    expect(folderOfTask(read, 39)).toBe(join(process.cwd(), 'src'));
    expect(folderOfTask(read, 40)).toBe(join(folder, 'two'));
    expect(() => folderOfTask(read, 50)).toThrow(/task 50 \(served: 0-49\)/);
    expect(() => folderOfTask(read, -1)).toThrow(/names no task.*Send task_id/);
  });

  it('without a default refuses the other tasks', async () => {
    const read = await readCheckpointMapping(await mapping({ tasks: { '1': 'b' } }));
    expect(() => folderOfTask(read, 0)).toThrow(/no checkpoint is served for task 0 \(served: 1\)/);
  });

  it.each([
    [{ tasks: { one: 'a' } }, /no list of tasks/],
    [{ tasks: { '3-1': 'a' } }, /no list of tasks/],
    [{ tasks: { '1': 'a', '0-1': 'b' } }, /task 1 is named twice/],
    [{}, /checkpoints/],
    [{ tasks: {} }, /maps no task/],
    [{ default: 3 }, /default/],
    [{ default: 'a', task: {} }, /task/],
  ])('%j is refused', async (content, expected) => {
    const path = await mapping(content);
    await expect(readCheckpointMapping(path)).rejects.toThrow(expected);
    await expect(readCheckpointMapping(path)).rejects.toThrow(InputError);
  });
});

describe('a checkpoint by name', () => {
  it('is a folder unless it comes with the package', () => {
    expect(checkpointFolder(folder)).toBe(folder);
    expect(checkpointFolder('no_such_policy')).toBe('no_such_policy');
    expect(checkpointFolder('household')).toMatch(/policies.household$/);
  });
});

describe('sizes', () => {
  it.each([
    ['12GB', 12e9],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['800mb', 8e8],
    ['4096', 4096],
  ])('%s', (text, bytes) => expect(parseBytes(text)).toBe(bytes));
  it.each(['', '12 giga', '-1GB', '0', 'GB', '1e9'])('"%s" is none', (text) =>
    expect(() => parseBytes(text)).toThrow(InputError),
  );
  it('the default leaves room for the rest of the machine', () => expect(defaultMemory()).toBeGreaterThan(1e8));
});
