import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stageAtTime } from '../../robot/index.ts';
import { checkDataset } from '../check/index.ts';
import { type Annotation, type Dataset, openDataset } from '../lerobot/index.ts';
import { stageTable } from '../samples/index.ts';
import { annotatedStages, readStageMapping, selectEpisodes, writeSet } from './index.ts';
import { mappedStages } from './stageMapping.ts';

let folder: string;
let set: Dataset;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-annotate-'));
  set = await openDataset(join(import.meta.dirname, '../../../test/golden/dataset-v21/dataset'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const recorded = async (dir: string) => {
  const dataset = await openDataset(dir);
  return Promise.all(dataset.episodes.map(async (episode) => [...((await dataset.stages(episode)) ?? [])]));
};
const runs = (stages: readonly number[]) => stages.flatMap((stage, t) => (stage === stages[t - 1] ? [] : [[t, stage]]));

const skill = (description: string, objects: string[], ...intervals: [number, number][]) => ({
  skill_description: [description],
  object_id: [objects],
  frame_duration: intervals.length === 1 ? intervals[0]! : intervals,
});
const annotation = (...skills: ReturnType<typeof skill>[]) => ({ skill_annotation: skills }) as Annotation;

describe('mappedStages', () => {
  const stages = [
    { stage: 'fetch', skills: ['move to', 'pick up from: radio'] },
    { stage: 'press', skills: ['press: radio, button'] },
    { stage: 'leave', skills: ['move to', 'move to: door'] },
  ];
  const mapped = (...skills: ReturnType<typeof skill>[]) => {
    const unknown: string[] = [];
    const found = [...mappedStages(annotation(...skills), stages, 12, (name) => unknown.push(name))];
    return { runs: runs(found), unknown };
  };

  it('follows the skills: repeated ones go on, gaps belong to what was before, names may leave out objects', () => {
    const found = mapped(
      skill('move to', ['radio_89'], [1, 3]),
      skill('pick up from', ['radio_89', 'radio_2'], [3, 5]),
      skill('press', ['radio_89', 'button_1'], [6, 8]),
      skill('move to', ['table_1'], [8, 12]),
    );
    expect(found).toEqual({
      runs: [
        [0, 0],
        [6, 1],
        [8, 2],
      ],
      unknown: [],
    });
  });

  it('goes back where a skill is of an earlier stage alone, and names skills that are of none', () => {
    const found = mapped(
      skill('press', ['radio_89', 'button_1'], [0, 4]),
      skill('wave', [], [4, 6]),
      skill('pick up from', ['radio_1'], [6, 7], [9, 10]),
    );
    expect(found).toEqual({
      runs: [
        [0, 1],
        [6, 0],
      ],
      unknown: ['wave'],
    });
  });
});

describe('annotate stages', () => {
  it('by time: equal parts, in both versions, everything else as it was', async () => {
    const table = await stageTable([set], 'time');
    const stages = await annotatedStages(set, 'time');
    const kept = await selectEpisodes(set, {});
    await writeSet(kept, at('timed'), { stages });
    await writeSet(kept, at('three'), { stages, format: 'v3.0' });
    const wanted = set.episodes.map(({ length, taskIndex }) =>
      Array.from({ length }, (_, t) => stageAtTime(t / set.fps, length, table[taskIndex]!, set.fps)),
    );
    expect(await recorded(at('timed'))).toEqual(wanted);
    expect(await recorded(at('three'))).toEqual(wanted);
    const timed = await openDataset(at('timed'));
    for (const [i, episode] of set.episodes.entries()) {
      const [was, is] = await Promise.all(
        [set, timed].map((one) => one.columns(one.episodes[i]!, ['action', 'observation.state'])),
      );
      expect(is).toEqual(was);
      expect(await timed.annotation(timed.episodes[i]!)).toEqual(await set.annotation(episode));
    }
    const problems = (dir: string) => checkDataset(dir).then((found) => found.problems.map(({ code }) => code));
    expect(await problems(at('timed'))).toEqual(await problems(set.root));
    expect(existsSync(join(at('timed'), 'meta/stage-mapping.json'))).toBe(false);
    // A recorded column is replaced.
    const again = { of: async ({ length }: { length: number }) => new Uint16Array(length).fill(3), digest: 'x' };
    await writeSet(await selectEpisodes(timed, {}), at('again'), { stages: { ...again, unknown: new Map() } });
    expect(new Set((await recorded(at('again'))).flat())).toEqual(new Set([3]));
  });

  it('by skills: a mapping is made, written beside the set, and read back to the same stages', async () => {
    const kept = (await selectEpisodes(set, {})).filter(({ taskIndex }) => taskIndex === 0);
    const own = { ...set, episodes: kept.map(({ episode }) => episode) };
    const made = await annotatedStages(own, 'skills');
    await writeSet(kept, at('staged'), { stages: made });
    const file = join(at('staged'), 'meta/stage-mapping.json');
    const mapping = await readStageMapping(file);
    expect(Object.keys(mapping)).toEqual(['turning_on_radio']);
    const stages = await recorded(at('staged'));
    const numbers = mapping['turning_on_radio']!.map((_, i) => i);
    expect([...new Set(stages.flat())].every((stage) => numbers.includes(stage))).toBe(true);
    // The episode that decides the order goes through all of them.
    expect(
      stages.some(
        (own) =>
          runs(own)
            .map(([, stage]) => stage)
            .join() === numbers.join(),
      ),
    ).toBe(true);
    const read = await annotatedStages(own, 'skills', mapping);
    expect(read.digest).toBe(made.digest);
    expect([...(await read.of(kept[0]!.episode))]).toEqual(stages[0]);

    const other = { pressing: [{ stage: 'a', skills: ['b'] }] };
    await expect(annotatedStages(own, 'skills', other)).rejects.toThrow(/no stages of the task turning_on_radio/);
    await writeFile(at('bad.json'), JSON.stringify({ turning_on_radio: [{ stage: 'x' }] }));
    await expect(readStageMapping(at('bad.json'))).rejects.toThrow(/bad\.json: turning_on_radio/);
    // Another mapping does not go on with what this one began.
    await expect(writeSet(kept, at('staged'), { stages: read })).rejects.toThrow(/exists already/);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(mapping);
  });
});
