import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { smallTraining, writeFakeSet } from '../../test/support/training.ts';
import { writeNormStats } from '../action/index.ts';
import { Random } from '../base/index.ts';
import { datasetStatistics } from '../data/index.ts';

vi.setConfig({ testTimeout: 900_000, hookTimeout: 600_000 });

const MAIN = join(import.meta.dirname, 'main.ts');
const STEPS = 40;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-killed-'));
  await writeFakeSet(
    join(folder, 'data'),
    [0, 1, 2, 3].map((seed) => ({ seed })),
  );
  const { statistics } = await datasetStatistics([join(folder, 'data')], { horizon: 30, paddedWidth: 32 });
  await writeNormStats(join(folder, 'norm_stats.json'), statistics);
  const config = await smallTraining({
    model: { useCorrelatedNoise: false },
    validation: { share: 0.3, every: 5, batches: 1, chunks: 2 },
    // Lines of metrics end between checkpoints.
    ...{ logEvery: 3, checkpointEvery: 4, keepCheckpoints: 2 },
  });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const checkpoints = (out: string) => join(folder, out, 'checkpoints');
const names = (out: string): string[] => (existsSync(checkpoints(out)) ? readdirSync(checkpoints(out)) : []);
const saved = (out: string): number =>
  Math.max(0, ...names(out).map((name) => (/^\d+$/.test(name) ? Number(name) : 0)));

/** Starts the command; it is killed without a word as soon as `when` holds. @returns whether it was */
function valetTrain(out: string, resume: boolean, when: (child: ChildProcess) => boolean = () => false) {
  const at = (name: string) => join(folder, name);
  const options = ['--config', at('config.json'), '--data', at('data'), '--stats', at('norm_stats.json')];
  const more = ['--steps', String(STEPS), '--seed', '5', '--threads', '1', '--best', 'validation/loss'];
  const words = ['train', ...options, ...more, '--out', at(out), ...(resume ? ['--resume'] : [])];
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...words]);
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const watch = setInterval(() => {
    if (when(child)) child.kill('SIGKILL');
  }, 1);
  return new Promise<boolean>((resolve, reject) => {
    child.on('close', (code, signal) => {
      clearInterval(watch);
      if (code !== null && code !== 0) reject(new Error(stderr));
      else resolve(signal === 'SIGKILL');
    });
  });
}

const lines = async (out: string, file: string) =>
  (await readFile(join(folder, out, file), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => {
      const { time: _, samplesPerSecond: __, dataWait: ___, ...rest } = JSON.parse(line);
      return rest;
    });

it('a run that is killed at any moment, also in a save, goes on to the bytes of an undisturbed one', async () => {
  await valetTrain('straight', false);

  const random = Random.of('kills');
  /** A while after the next checkpoint, and within the writing of one. */
  const later = (checkpointsMore: number, ms: number) => {
    const from = saved('killed');
    let since: number | undefined;
    return () => {
      if (saved('killed') >= from + 4 * checkpointsMore) since ??= Date.now();
      return since !== undefined && Date.now() - since >= ms;
    };
  };
  const saving = () => names('killed').some((name) => /^\.\d+\..*\.tmp$/.test(name));
  const moments = [later(1, random.between(0, 60)), saving, later(1, random.between(0, 30)), saving];
  let kills = 0;
  for (const [i, moment] of moments.entries()) if (await valetTrain('killed', i > 0, moment)) kills++;
  expect(kills).toBeGreaterThanOrEqual(3);
  await valetTrain('killed', true);

  const last = String(STEPS).padStart(6, '0');
  for (const file of ['params.safetensors', 'train.safetensors', 'card.json', 'config.json']) {
    const bytes = (out: string) => readFile(join(checkpoints(out), last, file));
    expect((await bytes('killed')).equals(await bytes('straight')), file).toBe(true);
  }
  for (const file of ['metrics.jsonl', 'validation.jsonl'])
    expect(await lines('killed', file)).toEqual(await lines('straight', file));
  expect(names('killed').sort()).toEqual(names('straight').sort());
});
