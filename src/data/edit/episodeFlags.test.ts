import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeEpisode } from '../../../test/support/data.ts';
import { DatasetWriter, openDataset } from '../lerobot/index.ts';
import { parseFlag } from './episodeFlags.ts';
import { selectEpisodes, writeSet } from './index.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-flags-'));
  const writer = await DatasetWriter.create(at('set'), { imageSize: 64 });
  for (const seed of [0, 1, 2]) await writer.addEpisode(fakeEpisode({ length: 20 + seed, seed }));
  await writer.finish();
  const path = at('set/meta/episodes.jsonl');
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  const told = [
    { good: true, quality: 3, who: 'anna' },
    { good: false, quality: 4 },
    { quality: 1.5, who: 'ben' },
  ];
  const changed = lines.map((line, i) => JSON.stringify({ ...JSON.parse(line), ...told[i] }));
  await writeFile(path, `${changed.join('\n')}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lengths = async (name: string, ...flag: string[]) =>
  (await selectEpisodes(await openDataset(at(name)), { flag })).map(({ to }) => to - 20);

describe('what is told of an episode', () => {
  it.each([
    [['good'], [0]],
    [['!good'], [1, 2]],
    [['quality>=3'], [0, 1]],
    [['quality > 3'], [1]],
    [['quality<2'], [2]],
    [['who=anna'], [0]],
    [['who!=anna'], [1, 2]],
    [['good=false'], [1]],
    [['quality>=3', 'who!=anna'], [1]],
  ])('%j keeps %j', async (flags, kept) => {
    expect(await lengths('set', ...flags)).toEqual(kept);
  });

  it('stands in the tables of v3.0 alike, and in the file beside an episode', async () => {
    await writeSet(await selectEpisodes(await openDataset(at('set')), {}), at('three'), { format: 'v3.0' });
    expect(await lengths('three', 'quality>=3')).toEqual([0, 1]);
    expect(await lengths('three', 'who=ben')).toEqual([2]);
    const set = await openDataset(at('set'));
    const info = JSON.parse(await readFile(at('set/meta/info.json'), 'utf8'));
    expect(info.metainfo_path).toContain('episode_index');
    const [first] = set.episodes;
    const path = info.metainfo_path
      .replace('{episode_index:08d}', String(first?.index).padStart(8, '0'))
      .replace('{episode_chunk:04d}', '0000');
    const beside = JSON.parse(await readFile(at(`set/${path}`), 'utf8'));
    await writeFile(at(`set/${path}`), JSON.stringify({ ...beside, review: { by: 'carla', stars: 5 } }));
    expect(await lengths('set', 'review.stars>=4')).toEqual([0]);
  });

  it('that nobody tells, or a test that is none, is refused', async () => {
    await expect(lengths('set', 'godo')).rejects.toThrow(
      /--flag godo: nothing is told .* \(there are: .*good, .*who\)/,
    );
    for (const text of ['', '!', '>=3', '!a=1', 'a>=x', 'a<'])
      expect(() => parseFlag(text)).toThrow(/is no test \(expected NAME, !NAME/);
  });
});
