import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { smallTraining, writeFakeSet } from '../../test/support/training.ts';
import { checkDataset, encodeParquet, openDataset, SampleStore } from '../data/index.ts';
import { CHALLENGE_ROBOT, stateOf } from '../robot/index.ts';
import { goodSamples } from './badSamples.ts';
import { checkTrainConfig, type TrainConfig } from './config.ts';
import { train } from './train.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let folder: string;
let config: TrainConfig;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-bad-'));
  await writeFakeSet(join(folder, 'sound'), [{ seed: 1 }, { seed: 2 }, { seed: 3 }]);
  config = await smallTraining({
    frameStride: 1,
    steps: 2,
    checkpointEvery: 2,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy of the data set whose episode 1 has one other number. */
async function withNumber(name: string, column: string, frame: number, place: number, value: number): Promise<string> {
  const dir = join(folder, name);
  await cp(join(folder, 'sound'), dir, { recursive: true });
  const dataset = await openDataset(dir);
  const episode = dataset.episodes[1]!;
  const names = [
    'index episode_index task_index annotation.stage timestamp action',
    'observation.state observation.cam_rel_poses observation.task_info',
  ];
  const columns = await dataset.columns(episode, names.join(' ').split(' '));
  const kind = (own: string) =>
    own === 'timestamp' ? 'float64' : /^(index|.*_index|annotation.stage)$/.test(own) ? 'int64' : 'float32list';
  const own = columns[column]!;
  own.data[frame * own.width + place] = value;
  const encoded = Object.entries(columns).map(([own, { data, width }]) => ({
    name: own,
    kind: kind(own),
    data,
    width,
  }));
  await writeFile(dataset.dataPath(episode), encodeParquet(encoded as Parameters<typeof encodeParquet>[0], 40));
  return dir;
}

const load = async (dir: string) =>
  SampleStore.load([join(folder, 'sound'), dir], { horizon: 8, imageSize: 32, workers: 1 });

describe('numbers that nothing can be learned from', () => {
  it.each<[string, string, number, number, number, RegExp]>([
    ['NaN in an action', 'action', 20, 4, Number.NaN, /episode 1, frame 20: action torso 1 \(dimension 4\) is NaN/],
    ['an infinite action', 'action', 20, 0, Number.POSITIVE_INFINITY, /frame 20: action base 0 .* is Infinity/],
    [
      'a huge action',
      'action',
      39,
      22,
      1e30,
      /frame 39: action right.* \(dimension 22\) is 1\.0+\d*e\+30.*at most 4096/,
    ],
    ['NaN in the privileged numbers', 'observation.task_info', 7, 2, Number.NaN, /frame 7: task_info 2/],
  ])('%s: check and training agree', async (name, column, frame, place, value, message) => {
    const dir = await withNumber(name, column, frame, place, value);
    const { problems } = await checkDataset(dir);
    expect(problems.map(({ code }) => code)).toContain(Number.isFinite(value) ? 'too-large' : 'not-finite');
    const store = await load(dir);
    expect(() => goodSamples(store, false, () => {})).toThrow(message);
    expect(() => goodSamples(store, false, () => {})).toThrow(dir);
    const lines: string[] = [];
    const { store: left, skipped } = goodSamples(store, true, (line) => void lines.push(line));
    const rest = left as SampleStore;
    // Slowly: the samples whose state, chunk or privileged numbers hold the frame.
    const holds = (start: number) => (column === 'action' ? start <= frame && frame < start + 8 : start === frame);
    const expected = Array.from({ length: 33 }, (_, start) => start).filter(holds);
    expect(skipped.map(({ data, episode, frame: start }) => [data, episode, start])).toEqual(
      expected.map((start) => [dir, 1, start]),
    );
    expect(lines).toEqual([expect.stringMatching(`left out: ${expected.length} of 198 samples`)]);
    expect(rest.size).toBe(198 - expected.length);
    expect(rest.badSamples()).toEqual([]);
    const all = rest.gather(Array.from({ length: rest.size }, (_, i) => i));
    for (const values of [all.state, all.actions, all.taskInfo]) expect(values.every(Number.isFinite)).toBe(true);
    for (let i = 0; i < rest.size; i += 17) expect(rest.numbers(i).state).toEqual(rest.gather([i]).state);
    // Every sample that is left is drawn once an epoch.
    const drawn = Array.from({ length: rest.size }, (_, step) => rest.batch(step, 1, 5).source);
    const named = drawn.map(({ folder, episode, frame }) => `${folder[0]} ${episode[0]} ${frame[0]}`);
    expect(new Set(named).size).toBe(rest.size);
  });

  it('a state is looked at where it is the robot’s: other numbers of an observation may be anything', async () => {
    const one = (place: number) => stateOf(CHALLENGE_ROBOT, new Float32Array(256).fill(1, place, place + 1));
    const none = JSON.stringify(stateOf(CHALLENGE_ROBOT, new Float32Array(256)));
    const places = Array.from({ length: 256 }, (_, place) => place);
    const [idle = -1, busy = -1] = [true, false].map((same) =>
      places.find((place) => (JSON.stringify(one(place)) === none) === same),
    );
    const unused = await withNumber('unused', 'observation.state', 9, idle, Number.NaN);
    expect((await load(unused)).badSamples()).toEqual([]);
    const used = await withNumber('used', 'observation.state', 9, busy, Number.NaN);
    const found = (await load(used)).badSamples();
    expect(found).toMatchObject([{ folder: 1, episode: 1, frame: 9, what: 'state', value: Number.NaN }]);
  });

  it('valet train refuses them, or leaves them out and names them', async () => {
    const dir = await withNumber('trained', 'action', 20, 4, Number.NaN);
    const options = { config, data: [dir], threads: 1, seed: 1 };
    await expect(train({ ...options, out: join(folder, 'refused') })).rejects.toThrow(
      /trained: episode 1, frame 20: action .* is NaN.*--skip-bad/,
    );
    const out = join(folder, 'skipping');
    const result = await train({ ...options, out, skipBad: true });
    expect(result).toMatchObject({ step: 2, skippedUpdates: 0 });
    expect(result.leftOutSamples).toBeGreaterThan(0);
    const lines = (await readFile(join(out, 'left-out.jsonl'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(result.leftOutSamples);
    expect(JSON.parse(lines[0]!)).toMatchObject({ data: dir, episode: 1, reason: expect.stringContaining('is NaN') });
  });

  it.each(['never', 'always'] as const)(
    'videos that cannot be read are left out with --skip-bad (--stream %s)',
    async (stream) => {
      const dir = join(folder, `videos-${stream}`);
      await cp(join(folder, 'sound'), dir, { recursive: true });
      const { episodes, video } = await openDataset(dir);
      const path = video(episodes[1]!, 'head').path;
      const whole = await readFile(path);
      const damages = {
        cut: () => writeFile(path, whole.subarray(0, whole.length >> 1)),
        garbled: () => writeFile(path, Buffer.concat([whole.subarray(0, 900), Buffer.alloc(whole.length - 900, 7)])),
      };
      for (const [kind, damage] of Object.entries(damages)) {
        await damage();
        const out = join(folder, `${kind}-${stream}`);
        const options = { config: { ...config, stream }, data: [dir], threads: 1, seed: 1, out };
        await expect(train({ ...options, out: `${out}-refused` }), kind).rejects.toThrow(/head/);
        const result = await train({ ...options, skipBad: true });
        expect(result.step).toBe(2);
        const lines = (await readFile(join(out, 'left-out.jsonl'), 'utf8')).trim().split('\n');
        const left = lines.map((line) => JSON.parse(line));
        expect(new Set(left.map(({ episode }) => episode))).toEqual(new Set([1]));
        expect(left[0].reason).toContain(path);
        expect(left).toHaveLength(result.leftOutSamples);
        // What was found is remembered, and the run goes on without another look.
        expect(
          await train({ ...options, skipBad: true, resume: true, config: { ...options.config, steps: 3 } }),
        ).toMatchObject({
          step: 3,
          leftOutSamples: left.length,
        });
      }
    },
  );
});

it('updates that are left out are counted, and their samples named', async () => {
  const out = join(folder, 'overflow');
  const lines: string[] = [];
  // A rate at which float32 overflows after few updates.
  const wild = checkTrainConfig({
    ...config,
    steps: 12,
    logEvery: 1,
    checkpointEvery: 12,
    schedule: { ...config.schedule, warmupSteps: 1, peak: 1e30 },
  });
  const run = train({
    config: wild,
    data: [join(folder, 'sound')],
    out,
    threads: 1,
    seed: 1,
    log: (l) => lines.push(l),
  });
  const result = await run;
  expect(result.skippedUpdates).toBeGreaterThan(0);
  const skipped = (await readFile(join(out, 'skipped.jsonl'), 'utf8')).trim().split('\n');
  expect(skipped).toHaveLength(result.skippedUpdates);
  expect(JSON.parse(skipped[0]!).samples[0]).toMatch(/sound episode \d+ frame \d+$/);
  const metrics = (await readFile(join(out, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  expect(JSON.parse(metrics.at(-1)!)).toMatchObject({ skippedUpdates: result.skippedUpdates });
  expect(lines.join('\n')).toMatch(new RegExp(`${result.skippedUpdates} updates skipped`));
});
