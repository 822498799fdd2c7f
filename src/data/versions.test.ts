import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkDataset } from './check/index.ts';
import { writeSet } from './edit/index.ts';
import { wholeEpisode } from './edit/keptEpisode.ts';
import { openDataset } from './lerobot/index.ts';

const V21 = join(import.meta.dirname, '../../test/golden/dataset-v21/dataset');
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

it('v2.0 becomes v2.1 or v3.0, which are all right, with its episodes', async () => {
  const was = await openDataset(join(folder, 'v2.0'));
  const kept = was.episodes.map((episode) => wholeEpisode(was, episode));
  for (const format of [undefined, 'v2.1', 'v3.0'] as const) {
    const out = join(folder, `as-${format}`);
    await writeSet(kept, out, { ...(format && { format }) });
    expect(await checkDataset(out, { endsOnly: true })).toMatchObject({ ok: true, format: format ?? 'v2.1' });
    const now = await openDataset(out);
    for (const [i, episode] of now.episodes.entries()) {
      const old = was.episodes[i] ?? episode;
      expect(await now.columns(episode, ['action'])).toEqual(await was.columns(old, ['action']));
    }
  }
});

it.each([
  ['v1.6', /LeRobot 0\.3\.3 converts sets on the Hugging Face Hub/],
  ['v4.0', /a newer LeRobot than this version of Valet knows/],
])('%s is refused, with the versions that are read, and what to do', async (name, advice) => {
  const opening = openDataset(await version(name));
  await expect(opening).rejects.toThrow(/read are "v2.0", "v2.1" and "v3.0"/);
  await expect(opening).rejects.toThrow(advice);
});

it('LeRobot’s first form, which has another index, is named', async () => {
  const dir = join(folder, 'first');
  await mkdir(join(dir, 'meta_data'), { recursive: true });
  await writeFile(join(dir, 'meta_data/info.json'), '{"codebase_version": "v1.6", "fps": 10, "video": true}');
  await expect(openDataset(dir)).rejects.toThrow(/first\/meta_data\/info\.json: .* of LeRobot v1 .* 0\.3\.3 converts/);
});

it('v2.1 without the statistics of its episodes is put right by the command that the check names', async () => {
  const dir = await version('v2.1');
  const { problems } = await checkDataset(dir, { endsOnly: true });
  expect(problems).toEqual([expect.objectContaining({ message: expect.stringContaining('`valet data convert`') })]);
  const set = await openDataset(dir);
  await writeSet(
    set.episodes.map((episode) => wholeEpisode(set, episode)),
    `${dir}-copy`,
  );
  expect(await checkDataset(`${dir}-copy`, { endsOnly: true })).toMatchObject({ ok: true, problems: [] });
});
