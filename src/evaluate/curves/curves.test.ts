import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHALLENGE_ROBOT, robotRecord } from '../../robot/index.ts';
import { runNames } from './curvesPage.ts';
import { sections, thinned } from './panels.ts';
import { readRun } from './readRun.ts';
import { differingSettings } from './settings.ts';
import { isTrainingFolder, writeCurves } from './writeCurves.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'valet-curves-'));
});
afterAll(() => rm(place, { recursive: true }));

const record = {
  config: { batch: 8, schedule: { peak: 0.001 }, freeze: [] },
  robot: robotRecord(CHALLENGE_ROBOT),
  seed: 1,
  steps: 40,
  data: ['<demos>'],
  dataFingerprint: 'abc',
  threads: 2,
  init: null,
  versions: {},
};

/** A training folder with `count` logged updates. */
async function folder(name: string, count: number, more: object = {}): Promise<string> {
  const at = join(place, name);
  await mkdir(at, { recursive: true });
  await writeFile(join(at, 'run.json'), JSON.stringify({ ...record, ...more }));
  const lines = Array.from({ length: count }, (_, i) => ({
    step: 10 * (i + 1),
    time: i,
    loss: 1 / (i + 1),
    'loss/action': 0.5,
    learningRate: 1e-3,
    gradientNorms: { vlm: 2 },
    tasks: { turning_on_radio: { action: 3, stageAccuracy: 0.5 } },
  }));
  await writeFile(join(at, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return at;
}

it('draws what the folder holds, and leaves out what it does not', async () => {
  const at = await folder('whole', 4);
  await writeFile(join(at, 'validation.jsonl'), '{"step":20,"time":1,"loss":0.7,"error/base":0.1}\n{"step":30,"lo');
  const looks = [
    { step: 20, task: 'turning_on_radio', q: 0.5, success: 0.25, qs: [0.5] },
    { step: 40, failed: 'no floor' },
  ];
  await writeFile(join(at, 'rollouts.jsonl'), looks.map((look) => `${JSON.stringify(look)}\n`).join(''));
  const run = await readRun(at);
  expect(run.done).toBe(40);
  const all = sections([run]);
  expect(all.map(({ title }) => title)).toEqual([
    'Loss',
    'In the household',
    'Error of held-out actions',
    'Learning rate and pace',
    'By task',
    'Norms and mixing',
  ]);
  const [loss] = all[0]!.panels;
  expect(loss?.lines).toEqual([
    { run: 0, seldom: false, words: '', x: [10, 20, 30, 40], y: [1, 0.5, 0.33333, 0.25] },
    { run: 0, seldom: true, words: 'held out', x: [20], y: [0.7] },
  ]);
  expect(all[1]!.panels.map(({ title, lines }) => [title, lines[0]?.y])).toEqual([
    ['turning_on_radio: q', [0.5]],
    ['turning_on_radio: success', [0.25]],
  ]);
  expect(all[5]!.panels.map(({ title }) => title)).toEqual(['Gradient: language model']);
});

it('writes one page of several runs that asks nothing of any network', async () => {
  const folders = [await folder('a/run', 4), await folder('b/run', 2, { seed: 2 })];
  const { page, runs } = await writeCurves(folders);
  expect(page).toBe(join(folders[0]!, 'report.html'));
  expect(runs).toMatchObject([
    { name: 'a/run', step: 40, steps: 40, loss: 0.25 },
    { name: 'b/run', step: 20, steps: 40, loss: 0.5 },
  ]);
  const html = await readFile(page, 'utf8');
  expect(html).not.toMatch(/(src|href)="(?!data:)|@import|https?:\/\//);
  expect(html).toContain('&lt;demos&gt;');
  expect(html).not.toContain('<demos>');
  const settings = differingSettings(await Promise.all(folders.map(readRun)));
  expect(settings).toEqual([['seed', '1', '2']]);
  const elsewhere = join(place, 'curves.html');
  expect((await writeCurves(folders, elsewhere)).page).toBe(elsewhere);
});

it('knows a training from an evaluation, and refuses one without a logged update', async () => {
  const empty = await folder('empty', 0);
  expect(await isTrainingFolder(empty)).toBe(true);
  await expect(writeCurves([empty])).rejects.toThrow(/has not logged an update yet/);
  await writeFile(join(place, 'run.json'), JSON.stringify({ fingerprint: {} }));
  expect(await isTrainingFolder(place)).toBe(false);
  expect(await isTrainingFolder(join(place, 'none'))).toBe(false);
});

it('long curves are averaged, names tell runs apart', () => {
  const x = Array.from({ length: 4000 }, (_, i) => i + 1);
  const { x: steps, y } = thinned({ x, y: x });
  expect([steps.length, steps[0], y[0], steps.at(-1), y.at(-1)]).toEqual([1334, 3, 2, 4000, 4000]);
  expect(runNames([{ folder: '/x/one' }, { folder: '/x/two' }])).toEqual(['one', 'two']);
  expect(runNames([{ folder: '/x/run' }, { folder: '/y/run' }])).toEqual(['x/run', 'y/run']);
});
