import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeTinyPolicy } from '../../../test/support/model.ts';
import { makeDemonstrations } from './makeDemonstrations.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-corrections-'));
  for (const seed of [1, 2]) await writeTinyPolicy(at(`policy-${seed}`), { seed, samplingSteps: 2 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Every file of a data set with its bytes. */
async function contents(dir: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of (await readdir(dir, { recursive: true })).sort())
    if ((await stat(join(dir, name))).isFile()) files.set(name, (await readFile(join(dir, name))).toString('base64'));
  return files;
}

it('corrections go on after an interruption to the same bytes, and only of the same policy', {
  timeout: 300_000,
}, async () => {
  const base = { tasks: ['turning_on_radio'], episodes: 12, clipSeconds: 1.2, imageSize: 16, seed: 5, workers: 1 };
  const make = (name: string, more: object = {}) =>
    makeDemonstrations({ ...base, correct: at('policy-1'), out: at(name), silent: true, ...more });
  expect(await make('straight')).toMatchObject({ episodes: 12 });
  const scenes = () => readFile(at('halves.part', 'scenes.jsonl'), 'utf8').catch(() => '');
  const stop = new AbortController();
  const watching = setInterval(async () => (await scenes()).includes('\n') && stop.abort(), 5);
  await expect(make('halves', { signal: stop.signal })).rejects.toMatchObject({ kind: 'interrupted' });
  clearInterval(watching);
  const before = await scenes();
  expect(before).toContain('\n');
  await expect(make('halves', { resume: true, correct: at('policy-2') })).rejects.toThrow(/another correct/);
  expect(await scenes()).toBe(before);
  expect(await make('halves', { resume: true })).toMatchObject({ episodes: 12 });
  expect(await contents(at('halves'))).toEqual(await contents(at('straight')));
});
