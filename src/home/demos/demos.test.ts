import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, Random } from '../../base/index.ts';
import { openDataset, stageTable } from '../../data/index.ts';
import { createExpert } from '../expert/createExpert.ts';
import { homeTask } from '../tasks/homeTasks.ts';
import { openHousehold } from '../tasks/openHousehold.ts';
import { correctRollout, type HelpedPolicy } from './correct.ts';
import { clipDemonstration, wholeDemonstration } from './demonstrate.ts';
import { runs } from './episodeLog.ts';
import { makeDemonstrations } from './makeDemonstrations.ts';
import { TAIL } from './recording.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demos-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function digest(dir: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(dir, { recursive: true })).sort()) {
    const path = join(dir, name);
    if ((await stat(path)).isFile()) hash.update(name).update(await readFile(path));
  }
  return hash.digest('hex');
}

describe('demonstrations', () => {
  it('are the same data set whatever the number of workers', async () => {
    const make = (workers: number) =>
      makeDemonstrations({
        tasks: ['turning_on_radio'],
        episodes: 2,
        out: join(folder, `workers${workers}`),
        clipSeconds: 1.2,
        imageSize: 16,
        seed: 3,
        workers,
        silent: true,
      });
    const summary = await make(1);
    expect(summary).toMatchObject({ episodes: 2, frames: 72, expertFailures: 0 });
    await make(2);
    expect(await digest(join(folder, 'workers2'))).toBe(await digest(join(folder, 'workers1')));

    const dataset = await openDataset(join(folder, 'workers1'));
    expect(dataset.episodes.map(({ length }) => length)).toEqual([36, 36]);
    const [episode] = dataset.episodes;
    const columns = await dataset.columns(episode!, ['observation.state', 'action', 'observation.task_info']);
    expect([columns['observation.state'].width, columns.action.width]).toEqual([256, 23]);
    expect(columns['observation.task_info'].width).toBe(12);
    const meta = (await dataset.metaInfo(episode!)) as { clip: { start: number; fullLength: number } };
    expect(meta.clip.start + 36).toBeLessThanOrEqual(meta.clip.fullLength);
  });

  it('tell which stages may follow which, where they branch', async () => {
    const out = join(folder, 'branching');
    const tasks = ['repeating_shown_order', 'turning_on_radio'];
    await makeDemonstrations({ tasks, episodes: 1, out, clipSeconds: 1.2, imageSize: 16, workers: 1, silent: true });
    const dataset = await openDataset(out);
    const [radio, order] = tasks.map(homeTask).reverse();
    expect(dataset.tasks.get(order!.id)?.stageSuccessors).toEqual(order!.stageSuccessors);
    expect(dataset.tasks.get(radio!.id)?.stageSuccessors).toBeUndefined();
    expect((await stageTable([dataset], 'skills'))[order!.id]).toBe(order!.numStages);
  });

  it('of whole scenes last until shortly after the goal; a window is a piece of the same scene', async () => {
    const household = await openHousehold('turning_on_radio', { imageSize: 8 });
    const expert = createExpert(household);
    const whole = wholeDemonstration(household, expert, 1_000_000)!;
    const length = whole.action.length / 23;
    expect(whole.stages).toHaveLength(length);
    // The frame whose action switched the radio on is the last of stage 3.
    expect(whole.stages!.subarray(1 - TAIL)).toEqual(new Uint16Array(TAIL - 1).fill(4));
    expect(whole.stages![length - TAIL]).toBe(3);
    expect(whole.skills.map(({ start }) => start)).toEqual(runs([...whole.stages!]).map(({ start }) => start));

    const window = clipDemonstration(household, expert, 1_000_000, {
      seconds: 2,
      disturbance: 0,
      random: Random.of(1),
    })!;
    const { start, fullLength } = window.meta!.clip!;
    expect(fullLength).toBe(length);
    expect(window.action).toEqual(whole.action.subarray(23 * start, 23 * start + window.action.length));
    expect(window.state).toEqual(whole.state.subarray(256 * start, 256 * start + window.state.length));
    expect(window.pictures.head![0]).toEqual(whole.pictures.head![start]);

    const sparse = clipDemonstration(household, expert, 1_000_000, {
      seconds: 2,
      disturbance: 0,
      random: Random.of(1),
      picturesEvery: 5,
    })!;
    expect({ ...sparse, pictures: undefined }).toEqual({ ...window, pictures: undefined });
    const drawn = window.pictures.head!.map((_, row, all) => all[row - (row % 5)]);
    expect(sparse.pictures.head).toEqual(drawn);

    const pushed = clipDemonstration(household, expert, 1_000_000, {
      seconds: 2,
      disturbance: 1,
      random: Random.of(2),
    })!;
    const from = pushed.meta!.clip!.start;
    expect(pushed.state.subarray(0, 256)).not.toEqual(whole.state.subarray(256 * from, 256 * from + 256));
    expert.close();
    household.close();
  });

  it('of corrections cover an episode to its end, and leave the policy where it was', async () => {
    const household = await openHousehold('turning_on_radio', { imageSize: 8 });
    const expert = createExpert(household);
    const action = () => Object.assign(household.lastAction, { 0: 0, 1: 0.3, 2: 0 });
    let [resets, dropped] = [0, 0];
    const drivingOff: HelpedPolicy = {
      reset: async () => void resets++,
      act: async () => action(),
      close: async () => {},
      dropPlan: () => void dropped++,
      goOnFrom: () => {
        throw new Error('an episode from its start is gone on from nowhere');
      },
    };
    const { clips, steps } = await correctRollout(household, expert, drivingOff, 1_000_001, {
      seconds: 1.2,
      random: Random.of(1),
      late: 0,
    });
    expect(steps).toBe(household.maxSteps);
    // where the expert helped, the policy keeps what it knows of the episode
    expect(resets).toBe(1);
    expect(dropped).toBeGreaterThan(0);
    const starts = clips.map(({ meta }) => meta!.clip!.start);
    expect(starts[0]).toBeLessThanOrEqual(60);
    const gaps = starts.slice(1).map((start, i) => start - starts[i]!);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(60);
    expect(starts.at(-1)).toBeGreaterThan(household.maxSteps - 60 - 36);
    expert.close();
    household.close();
  });

  it('of corrections begin late too, where the policy is told the stage that the expert came to', async () => {
    const household = await openHousehold('opening_shown_drawer', { imageSize: 8 });
    const expert = createExpert(household);
    const told: { stage: number; steps: number }[] = [];
    let acted = 0;
    const policy: HelpedPolicy = {
      reset: async () => {},
      act: async () => {
        acted++;
        return household.lastAction.map((value, i) => (i < 3 ? 0 : value));
      },
      close: async () => {},
      dropPlan: () => {},
      goOnFrom: (taskId, stage) => {
        expect([taskId, stage]).toEqual([household.task.id, household.situation().stage]);
        told.push({ stage, steps: household.steps });
      },
    };
    for (let seed = 0; seed < 6; seed++) {
      acted = 0;
      const { clips, steps } = await correctRollout(household, expert, policy, 1_000_001, {
        seconds: 1.2,
        random: Random.of(seed),
        late: 1,
      });
      const from = told.at(-1)!.steps;
      expect(acted).toBeGreaterThan(0);
      expect(steps - from).toBeLessThanOrEqual(360);
      for (const { meta } of clips) expect(meta!.clip!.start).toBeGreaterThanOrEqual(from);
    }
    expect(told).toHaveLength(6);
    expect(new Set(told.map(({ stage }) => stage)).size).toBeGreaterThan(1);
    expert.close();
    household.close();
  });

  it('begin in the first seconds alone where that is asked for, of experts and of corrections', async () => {
    const household = await openHousehold('opening_shown_drawer', { imageSize: 8 });
    const expert = createExpert(household);
    const starts = Array.from({ length: 8 }, (_, seed) => {
      const options = { seconds: 1.2, disturbance: 0.5, random: Random.of(seed), until: 2 };
      return clipDemonstration(household, expert, 1_000_000 + seed, options)!.meta!.clip!.start;
    });
    expect(Math.max(...starts)).toBeLessThan(60);
    expect(Math.min(...starts)).toBeLessThan(20);
    expect(new Set(starts).size).toBeGreaterThan(3);
    const still: HelpedPolicy = {
      reset: async () => {},
      act: async () => household.lastAction,
      close: async () => {},
      dropPlan: () => {},
      goOnFrom: () => {},
    };
    for (const late of [0, 1])
      for (let seed = 0; seed < 4; seed++) {
        const options = { seconds: 1.2, random: Random.of(seed), late, until: 4 };
        const { clips, steps } = await correctRollout(household, expert, still, 1_000_001, options);
        expect(steps).toBe(120);
        for (const { meta } of clips) expect(meta!.clip!.start).toBeLessThan(120);
        if (late === 0) expect(clips.length).toBeGreaterThan(1);
      }
    expert.close();
    household.close();
  });

  it('go on after an interruption to the same bytes, and are never mixed with others', async () => {
    const base = { tasks: ['turning_on_radio'], episodes: 3, clipSeconds: 1.2, imageSize: 16, seed: 3, workers: 1 };
    const make = (name: string, more: object = {}) =>
      makeDemonstrations({ ...base, out: join(folder, name), silent: true, ...more });
    await make('straight');
    const part = join(folder, 'halves.part');
    const lines = async () => (await readFile(join(part, 'scenes.jsonl'), 'utf8').catch(() => '')).split('\n');
    const stop = new AbortController();
    const half = make('halves', { signal: stop.signal });
    const watching = setInterval(async () => (await lines()).length > 1 && stop.abort(), 5);
    await expect(half).rejects.toMatchObject({
      kind: 'interrupted',
      message: expect.stringMatching(/interrupted with [12] of 3 episodes done\. Go on with --resume/),
    });
    clearInterval(watching);
    expect((await readdir(folder)).filter((name) => name.includes('halves'))).toEqual(['halves.part']);
    const before = (await lines()).length - 1;

    await expect(make('halves')).rejects.toThrow(/unfinished data set\. Add --resume/);
    await expect(make('halves', { resume: true, seed: 4 })).rejects.toThrow(/another seed \(got 4, it has 3\)/);
    // A line that a kill cut short does not count.
    await appendFile(join(part, 'scenes.jsonl'), '{"task":0,"scene":2,"pla');
    const whole = await make('halves', { resume: true });
    expect(before).toBeGreaterThan(0);
    expect(whole).toMatchObject({ episodes: 3, scenes: 3 });
    expect(await digest(join(folder, 'halves'))).toBe(await digest(join(folder, 'straight')));
    expect((await readdir(folder)).filter((name) => name.includes('halves'))).toEqual(['halves']);
    await expect(make('halves', { resume: true })).rejects.toThrow(/exists already and is finished/);
    await expect(make('other', { resume: true })).rejects.toThrow(/nothing to go on with/);

    const early = new AbortController();
    early.abort();
    await expect(make('never', { signal: early.signal })).rejects.toThrow(/Nothing was left behind/);
    expect((await readdir(folder)).filter((name) => name.includes('never'))).toEqual([]);
  });

  it('are refused for impossible wishes, and leave nothing behind', async () => {
    const base = { tasks: ['turning_on_radio'], episodes: 1, out: join(folder, 'none'), silent: true };
    await expect(makeDemonstrations({ ...base, episodes: 0 })).rejects.toThrow(InputError);
    await expect(makeDemonstrations({ ...base, clipSeconds: 0.5 })).rejects.toThrow(/more than 1 second/);
    await expect(makeDemonstrations({ ...base, clipSeconds: 1000 })).rejects.toThrow(
      /at most 600 seconds \(got 1000\)/,
    );
    await expect(makeDemonstrations({ ...base, tasks: ['radio'] })).rejects.toThrow(/no household task/);
    await expect(makeDemonstrations({ ...base, correct: join(folder, 'missing') })).rejects.toMatchObject({
      kind: 'input',
    });
    expect((await readdir(folder)).filter((name) => name.includes('none'))).toEqual([]);
  });
});
