import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { smallTraining, writeFakeSet } from '../../test/support/training.ts';
import type { TrainConfig } from './config.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 });
const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts');
const STEPS = 30;

let folder: string;
let data: string;
let config: TrainConfig;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-streamed-'));
  data = join(folder, 'data');
  await writeFakeSet(
    data,
    [0, 1, 2, 3].map((seed) => ({ length: 36 + seed, seed })),
  );
  config = await smallTraining({
    model: { useFastAuxiliary: true, useCorrelatedNoise: false },
    steps: STEPS,
    checkpointEvery: 5,
    keepCheckpoints: 10,
    validation: { share: 0.25, every: 20, batches: 1 },
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (out: string, stream: TrainConfig['stream'], more: Partial<TrainOptions> = {}) =>
  train({ config: { ...config, stream }, data: [data], out: join(folder, out), threads: 1, seed: 3, ...more });

/** SHA-256 of the files of a run's last checkpoint; the record of its settings names how samples were read. */
const hashesOf = async (out: string) => {
  const checkpoint = join(folder, out, 'checkpoints', String(STEPS).padStart(6, '0'));
  const entries = await readdir(checkpoint, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (file) => [
      file.slice(checkpoint.length),
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ]),
  );
};

it('streamed samples train the same bytes as held ones, also killed and resumed, pictures kept on disk', async () => {
  const held = await run('held', 'never');
  expect(held).toMatchObject({ step: STEPS });
  const settings = join(folder, 'config.json');
  await writeFile(settings, JSON.stringify(config));
  const where = ['--data', data, '--out', join(folder, 'killed'), '--seed', '3', '--threads', '1'];
  const child = spawn(process.execPath, [
    ...['--import', 'tsx', MAIN, 'train', '--config', settings, '--stream', 'always'],
    ...['--frame-cache', `${join(folder, 'frames')}:1GiB`],
    ...where,
  ]);
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, signal) => resolve(signal)));
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const look = setInterval(() => {
    if (existsSync(join(folder, 'killed/checkpoints/000005'))) child.kill('SIGKILL');
  }, 5);
  expect(await ended, said).toBe('SIGKILL');
  clearInterval(look);
  expect(existsSync(join(folder, 'killed/checkpoints/000030'))).toBe(false);
  expect(said).toMatch(/^samples: read as they are needed \(as chosen\)$/m);
  expect(said).toMatch(/^samples: decoded pictures are kept in \S+frames \(at most 1.00 GiB; all take \S+ GiB\)$/m);

  // What was found at the first look is not looked for again.
  const found = await readFile(join(folder, 'killed/samples.json'), 'utf8');
  expect(Object.values(JSON.parse(found))).toEqual([
    { taskInfoSize: 5, bad: [] },
    { taskInfoSize: 5, bad: [] },
  ]);
  await run('killed', 'always', { resume: true, frameCache: { dir: join(folder, 'frames'), limit: 2 ** 30 } });
  expect(await hashesOf('killed')).toEqual(await hashesOf('held'));
  const losses = async (out: string) =>
    (await readFile(join(folder, out, 'validation.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).loss);
  expect(await losses('killed')).toEqual(await losses('held'));
});
