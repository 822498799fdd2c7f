import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../base/index.ts';
import { checkpointFolder, readRoutes, route } from './routes.ts';

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
    const routes = await readRoutes(await mapping({ default: 'a', tasks: { '0-2, 7': 'b', '12': '/c' } }));
    expect([-1, 0, 2, 3, 7, 12].map((task) => route(routes, task))).toEqual([
      join(folder, 'a'),
      join(folder, 'b'),
      join(folder, 'b'),
      join(folder, 'a'),
      join(folder, 'b'),
      '/c',
    ]);
  });

  it('without a default refuses the other tasks', async () => {
    const routes = await readRoutes(await mapping({ tasks: { '1': 'b' } }));
    expect(() => route(routes, 0)).toThrow(/no checkpoint is served for task 0 \(served: 1\)/);
  });

  it.each([
    [{ tasks: { one: 'a' } }, /no list of tasks/],
    [{ tasks: { '3-1': 'a' } }, /no list of tasks/],
    [{ tasks: { '1': 'a', '0-1': 'b' } }, /task 1 is named twice/],
    [{}, /maps no task/],
    [{ default: 3 }, /default/],
    [{ default: 'a', task: {} }, /task/],
  ])('%j is refused', async (content, expected) => {
    const path = await mapping(content);
    await expect(readRoutes(path)).rejects.toThrow(expected);
    await expect(readRoutes(path)).rejects.toThrow(InputError);
  });
});

describe('a checkpoint by name', () => {
  it('is a folder unless it comes with the package', () => {
    expect(checkpointFolder(folder)).toBe(folder);
    expect(checkpointFolder('no_such_policy')).toBe('no_such_policy');
  });
});
