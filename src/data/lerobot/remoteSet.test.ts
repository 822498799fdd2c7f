import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FileServer, serveFiles } from '../../../test/support/fileServer.ts';
import { writeFakeSet } from '../../../test/support/training.ts';
import { selectEpisodes, writeSet } from '../edit/index.ts';
import {
  checkDataset,
  dataFingerprint,
  datasetStatistics,
  openDataset,
  openSamples,
  openSets,
  SampleStore,
} from '../index.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let server: FileServer;
const FORMS = ['v21', 'v30', 'plain'];
const at = (form: string) => join(folder, form);
const there = (form: string) => `${server.address}/${form}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-remote-set-'));
  await writeFakeSet(at('v21'), [{ seed: 1 }, { seed: 2 }, { seed: 3, taskIndex: 4, taskName: 'can_meat' }]);
  const set = await openDataset(at('v21'));
  await writeSet(await selectEpisodes(set, {}), at('v30'), { format: 'v3.0' });
  await writeSet(await selectEpisodes(await openDataset(at('v30')), {}), at('plain'), { format: 'v2.1' });
  server = await serveFiles(folder);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
let caches = 0;
beforeEach(() => {
  process.env['VALET_DATA_CACHE'] = join(folder, `cache${caches++}`);
  server.options.before = undefined;
  server.requests.length = 0;
  return () => {
    delete process.env['VALET_DATA_CACHE'];
  };
});

describe.each(FORMS)('a set of the layout %s on a server', (form) => {
  test('has the same index, values, pictures and fingerprint as its folder', async () => {
    const [near, far] = [await openDataset(at(form)), await openDataset(there(form))];
    expect(far.episodes).toEqual(near.episodes);
    expect([...far.tasks]).toEqual([...near.tasks]);
    for (const episode of near.episodes) {
      const names = ['action', 'observation.state'] as const;
      expect(await far.columns(episode, names)).toEqual(await near.columns(episode, names));
      expect(await far.metaInfo(episode)).toEqual(await near.metaInfo(episode));
      for (const camera of near.cameras)
        expect(await far.frames(episode, camera, [0, 7])).toEqual(await near.frames(episode, camera, [0, 7]));
    }
    expect(await dataFingerprint([there(form)])).toBe(await dataFingerprint([at(form)]));
  });

  test('is written as another set, with the same bytes', async () => {
    const written = [];
    for (const [name, from] of [
      ['near', at(form)],
      ['far', there(form)],
    ] as const) {
      const out = join(folder, `${name}-${form}`);
      await writeSet(await selectEpisodes(await openDataset(from), { length: { from: 1, to: 99 } }), out);
      const files = (await readdir(out, { recursive: true })).sort();
      const bytes = files.map((file) => readFile(join(out, file), 'base64').catch(() => 'folder'));
      written.push([files, await Promise.all(bytes)]);
    }
    expect(written[1]).toEqual(written[0]);
  });
});

test.each(['v21', 'v30'])('a set of the layout %s gives the same statistics, samples and report', async (form) => {
  const [near, far] = [
    await datasetStatistics([at(form)], { workers: 1 }),
    await datasetStatistics([there(form)], { workers: 1 }),
  ];
  expect(far.statistics).toEqual(near.statistics);
  const options = { imageSize: 28, workers: 1, memoryLimitBytes: 2 ** 30 };
  const stores = [await SampleStore.load([at(form)], options), await SampleStore.load([there(form)], options)];
  expect(stores[1]?.batch(3, 4, 0)).toEqual(stores[0]?.batch(3, 4, 0));
  expect(await checkDataset(there(form), { endsOnly: true })).toEqual(await checkDataset(at(form), { endsOnly: true }));
});

test('streamed samples are fetched as they are needed, also into a cache that holds less than the set', async () => {
  const options = { imageSize: 28, workers: 2, frameStride: 3, log: () => undefined };
  const files = await readdir(at('v21'), { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    files.filter((file) => file.isFile()).map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  const less = Math.ceil(0.7 * sizes.reduce((sum, size) => sum + size, 0));
  for (const [form, limit] of [
    ['v21', ''],
    ['v30', ''],
    ['v21', `:${less}B`],
  ] as const) {
    process.env['VALET_DATA_CACHE'] = join(folder, `stream-${form}-${limit.length}`) + limit;
    const near = await openSamples([at(form)], { ...options, stream: 'never' });
    const far = await openSamples([there(form)], { ...options, stream: 'always' });
    try {
      for (const step of [0, 1, 9, 2]) expect(await far.batch(step, 5, 'a', 20)).toEqual(near.batch(step, 5, 'a'));
    } finally {
      await far.close();
    }
  }
});

test('of a part, only the files of the part are fetched', async () => {
  const { sets } = await openSets([there('v21')], { choice: { tasks: ['can_meat'] }, tasks: 'refused' });
  expect(sets[0]?.episodes.map(({ taskIndex }) => taskIndex)).toEqual([4]);
  const fetched = server.requests.map(({ path }) => path).filter((path) => path.startsWith('/v21/data/'));
  expect(fetched).toHaveLength(1);
  expect(fetched[0]).toContain('task-0004');
});

test('a file that is missing at the server is named; --available leaves its episode out', async () => {
  await cp(at('v21'), at('gone'), { recursive: true });
  const whole = await openDataset(at('gone'));
  const [first] = whole.episodes;
  if (!first) throw new Error('no episode');
  await unlink(whole.dataPath(first));
  await expect(datasetStatistics([there('gone')], { workers: 1 })).rejects.toThrow(/gone\/data\/.*404.*--available/);
  const { sets, notes } = await openSets([there('gone')], { choice: { available: true } });
  expect(sets[0]?.episodes).toHaveLength(2);
  expect(notes.join()).toContain('1 of 3 episodes');
  const report = await checkDataset(there('gone'), { endsOnly: true });
  expect(report.problems.map(({ code }) => code)).toEqual(['data-missing']);
});

test('no set at the address says what is expected there', async () => {
  await expect(openDataset(there('none'))).rejects.toThrow(/none\/meta\/info\.json.*404.*holds meta\//);
});

test('a process that is killed while it fetches leaves what the next one goes on with', async () => {
  const cache = process.env['VALET_DATA_CACHE'] ?? '';
  const index = pathToFileURL(join(import.meta.dirname, '..', 'index.ts')).href;
  const program = `import { checkDataset } from ${JSON.stringify(index)};
    process.stdout.write(JSON.stringify(await checkDataset(${JSON.stringify(there('v30'))}, { endsOnly: true })));`;
  const run = () => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program]);
    let [out, wrong] = ['', ''];
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      wrong += text;
    });
    const ended = new Promise<{ out: string; wrong: string; signal: string | null }>((resolve) =>
      child.on('close', (_, signal) => resolve({ out, wrong, signal })),
    );
    return { child, ended };
  };
  const first = run();
  server.options.before = (request, response) => {
    if (!request.url?.endsWith('.mp4') || request.headers.range === undefined) return false;
    // Half of a video, then death.
    readFile(join(folder, request.url)).then((bytes) => {
      const half = Math.floor(bytes.length / 2);
      const range = `bytes 0-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(206, { etag: '"one"', 'content-length': bytes.length, 'content-range': range });
      response.write(bytes.subarray(0, half), () => setTimeout(() => first.child.kill('SIGKILL'), 300));
    });
    return true;
  };
  expect((await first.ended).signal).toBe('SIGKILL');
  const left = (await readdir(cache, { recursive: true })).filter((name) => /parts.*\.mp4$/.test(name));
  expect(left.length).toBeGreaterThan(0);
  server.options.before = undefined;
  const second = await run().ended;
  expect(second.wrong).toBe('');
  expect(JSON.parse(second.out)).toEqual(await checkDataset(at('v30'), { endsOnly: true }));
  for (const name of await readdir(cache, { recursive: true }))
    if (/v30\/.*\.(mp4|parquet)$/.test(name)) {
      const path = name.slice(name.indexOf('v30/'));
      expect(await readFile(join(cache, name))).toEqual(await readFile(join(folder, path)));
    }
});
