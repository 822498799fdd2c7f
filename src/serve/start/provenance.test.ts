import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { tinyNetwork, tinyStatistics } from '../../../test/support/model.ts';
import { codeVersion } from '../../base/index.ts';
import { checkpointDigest, initParameters, writeCheckpoint } from '../../model/index.ts';
import { serveCheckpoint } from './serveCheckpoint.ts';

vi.setConfig({ testTimeout: 120_000 });

let place: string;
const at = (name: string) => join(place, name);
const write = (name: string, seed: number) =>
  writeCheckpoint(
    at(name),
    {
      config: tinyNetwork,
      parameters: initParameters(tinyNetwork, seed),
      normStats: tinyStatistics(),
      card: { selection: `seed ${seed}` },
      policy: { samplingSteps: 2 },
    },
    { replace: true },
  );
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'valet-told-'));
});
afterAll(() => rm(place, { recursive: true }));

interface Told {
  readonly code: unknown;
  readonly checkpoints?: readonly { readonly hash: string; readonly selection: string }[];
}
const infoOf = async (url: string): Promise<Told> => {
  const response = await fetch(`${url.replace('ws:', 'http:')}/info`);
  return ((await response.json()) as { metadata: Told }).metadata;
};

it('tells of what is loaded now, through a change on the disk', async () => {
  await write('policy', 1);
  const before = await checkpointDigest(at('policy'));
  const running = await serveCheckpoint({ checkpoint: at('policy'), reloadMs: 50 });
  await running.server.ready;
  const [url] = running.server.urls as [string];
  expect(await infoOf(url)).toMatchObject({
    code: codeVersion(),
    checkpoints: [{ hash: before, selection: 'seed 1' }],
  });
  await write('policy', 2);
  const after = await checkpointDigest(at('policy'));
  expect(after).not.toBe(before);
  await vi.waitFor(
    async () => {
      const { checkpoints } = await infoOf(url);
      if (checkpoints) expect([before, after]).toContain(checkpoints[0]?.hash);
      expect(checkpoints).toMatchObject([{ hash: after, selection: 'seed 2' }]);
    },
    { timeout: 60_000, interval: 20 },
  );
  await running.close();
});

it('tells of all checkpoints of a mapping', async () => {
  await write('a', 3);
  await write('b', 4);
  const paths = new Map(['a', 'b'].map((name) => [name, at(name)]));
  const byTask = new Map([...paths.keys()].map((name, task) => [task, name]));
  const running = await serveCheckpoint({ mapping: { paths, byTask, otherwise: undefined } });
  await running.server.ready;
  const { checkpoints } = await infoOf(running.server.urls[0] as string);
  expect(checkpoints?.map(({ selection }) => selection)).toEqual(['seed 3', 'seed 4']);
  await running.close();
});
