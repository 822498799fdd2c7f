import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDataset } from './open.ts';

const V21 = join(import.meta.dirname, '../../../test/golden/dataset-v21/dataset');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-v20-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function version(name: string): Promise<string> {
  const dir = join(folder, name);
  await cp(V21, dir, { recursive: true });
  await rm(join(dir, 'meta/episodes_stats.jsonl'), { force: true });
  const info = join(dir, 'meta/info.json');
  const content = JSON.parse(await readFile(info, 'utf8'));
  await writeFile(info, JSON.stringify({ ...content, codebase_version: name }));
  return dir;
}

it('v2.0, which differs in its statistics alone, gives the episodes of v2.1', async () => {
  const [was, now] = [await openDataset(V21), await openDataset(await version('v2.0'))];
  expect(now.episodes).toEqual(was.episodes);
  const [episode] = now.episodes;
  if (!episode) throw new Error('no episode');
  expect(await now.columns(episode, ['action'])).toEqual(await was.columns(episode, ['action']));
});

it.each(['v1.6', 'v4.0'])('%s is refused, with the versions that are read', async (name) => {
  await expect(openDataset(await version(name))).rejects.toThrow(/read are "v2.0", "v2.1" and "v3.0"/);
});
