import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { killedWhen } from '../../../test/support/killedWhen.ts';
import { tinyNetwork, tinyStatistics } from '../../../test/support/model.ts';
import { checkDataset, openSets } from '../../data/index.ts';
import { initParameters, modelConfig, writeCheckpoint } from '../../model/index.ts';
import { evaluate } from './evaluate.ts';
import { readPlanLines } from './planLog.ts';
import { readStepLines } from './recording.ts';

const root = await temporaryFolder();
const FIRST = 1_000_000;
const STEPS = 45;
const options = {
  policy: { kind: 'expert' },
  tasks: ['turning_on_radio'],
  instances: [FIRST, FIRST + 1],
  ...{ imageSize: 32, maxSteps: STEPS, silent: true },
} as const;
const recorded = (name: string, more: Partial<Parameters<typeof evaluate>[0]> = {}) =>
  evaluate({ ...options, out: join(root, name), recordData: join(root, `${name}-data`), ...more });

/** SHA-256 of every file of a data set. */
async function hashesOf(folder: string): Promise<Record<string, string>> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  const hashes = paths.map(async (path) => [
    path.slice(folder.length),
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  ]);
  return Object.fromEntries(await Promise.all(hashes));
}

it('rollouts become a data set of what was executed; one that was broken off comes to the same bytes', {
  timeout: 240_000,
}, async () => {
  await recorded('whole');
  const data = join(root, 'whole-data');
  const {
    sets: [set],
  } = await openSets([data], { pictures: true, tasks: 'refused' });
  expect(set?.episodes.map(({ index, length }) => [index, length])).toEqual([
    [0, STEPS],
    [1, STEPS],
  ]);
  const columns = await set!.columns(set!.episodes[0]!, ['action', 'next.reward', 'next.done', 'next.success']);
  const steps = readStepLines(join(root, 'whole', 'rollouts', `turning_on_radio_${FIRST}_0`));
  expect([...columns.action.data.slice(0, columns.action.width)].map((value) => Number(value.toFixed(5)))).toEqual(
    steps[0]?.action,
  );
  expect([...columns['next.done'].data]).toEqual([...new Array(STEPS - 1).fill(0), 1]);
  const q = steps.at(-1)?.q ?? 0;
  expect([...columns['next.reward'].data].reduce((sum, reward) => sum + reward, 0)).toBeCloseTo(q, 6);
  expect((await set!.metaInfo(set!.episodes[1]!))?.['rollout']).toMatchObject({ q, success: q === 1, steps: STEPS });
  expect((await checkDataset(data)).problems).toEqual([]);

  const stop = new AbortController();
  const broken = recorded('broken', { signal: stop.signal, onEpisode: () => stop.abort() });
  await expect(broken).rejects.toThrow(/interrupted with 1 of 2/);
  expect([existsSync(join(root, 'broken-data')), existsSync(join(root, 'broken-data.part'))]).toEqual([false, true]);
  await recorded('broken', { resume: true });
  expect(await hashesOf(join(root, 'broken-data'))).toEqual(await hashesOf(data));
  await recorded('broken', { resume: true }); // all is there: nothing to do
});

it('a process that is killed while it records leaves what comes to the same bytes', { timeout: 240_000 }, async () => {
  const [out, data] = [join(root, 'killed'), join(root, 'killed-data')];
  const code = `
    import { evaluate } from ${JSON.stringify(join(import.meta.dirname, 'evaluate.ts'))};
    await evaluate(${JSON.stringify({ ...options, out, recordData: data, workers: 1 })});`;
  const files = (dir: string) => readdir(dir, { recursive: true }).catch(() => [] as string[]);
  // While the second episode's videos are written: the first one is on disk.
  const videos = async () => (await files(`${data}.part`)).filter((file) => file.endsWith('.mp4')).length;
  expect(await killedWhen(code, async () => (await videos()) > 3)).toBe(true);
  expect(existsSync(data)).toBe(false);
  await recorded('killed', { resume: true });
  expect(await hashesOf(data)).toEqual(await hashesOf(join(root, 'whole-data')));
  expect(existsSync(`${data}.part`)).toBe(false);
});

it('keeps what the heads of a policy say, in the data and in the recording', { timeout: 120_000 }, async () => {
  const folder = join(root, 'heads');
  const config = modelConfig({ ...tinyNetwork, successLossWeight: 1, progressLossWeight: 1 });
  const parameters = initParameters(config, 1);
  await writeCheckpoint(folder, {
    config,
    parameters,
    normStats: tinyStatistics(),
    card: {},
    policy: { samplingSteps: 2 },
  });
  await recorded('told', { policy: { kind: 'checkpoint', folder }, imageSize: undefined, instances: [FIRST] });
  const plans = readPlanLines(join(root, 'told', 'rollouts', `turning_on_radio_${FIRST}_0`));
  expect(plans.length).toBeGreaterThan(1);
  const { sets } = await openSets([join(root, 'told-data')], { pictures: true, tasks: 'refused' });
  const [set] = sets;
  const columns = await set!.columns(set!.episodes[0]!, ['prediction.success', 'prediction.progress']);
  for (const name of ['success', 'progress'] as const) {
    const { data } = columns[`prediction.${name}`];
    expect(data).toHaveLength(STEPS);
    for (const { step, [name]: value } of plans) expect(data[step]).toBeCloseTo(value ?? Number.NaN, 2);
    expect(Math.min(...data)).toBeGreaterThan(0);
    expect(Math.max(...data)).toBeLessThan(1);
  }
});

it('refuses instances that are for measuring, queues, what goes wrong, and rollouts without frames', async () => {
  await expect(recorded('no', { instances: [0] })).rejects.toThrow(/split public, which is for measuring/);
  await expect(recorded('no', { queue: 'redis://127.0.0.1:1' })).rejects.toThrow(/not built for --queue/);
  await expect(recorded('no', { perturb: [{ axis: 'light', level: 1 }] })).rejects.toThrow(/not built for --perturb/);
  await recorded('bare', { recordData: undefined, policy: { kind: 'hold' }, maxSteps: 3, instances: [FIRST] });
  await expect(
    recorded('bare', { policy: { kind: 'hold' }, maxSteps: 3, instances: [FIRST], resume: true }),
  ).rejects.toThrow(/has no frames of turning_on_radio_1000000_0, which was played without --record-data/);
});
