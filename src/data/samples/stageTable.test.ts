import { expect, it } from 'vitest';
import { BEHAVIOR_STAGES, BEHAVIOR_TASKS, CHALLENGE_ROBOT, robotNamed } from '../../robot/index.ts';
import type { Dataset } from '../lerobot/index.ts';
import { stagesOfLength, stageTable } from './stageTable.ts';

/** As much of a data set as the table looks at. */
function fake(more: Partial<Dataset>, lengths: readonly (readonly [task: number, frames: number])[]): Dataset {
  const episodes = lengths.map(([taskIndex, length], index) => ({ index, taskIndex, length, instruction: '' }));
  return {
    ...{ root: 'demos', fps: 20, robot: robotNamed('single-arm'), tasks: new Map(), episodes },
    metaInfo: async () => undefined,
    stages: async ({ taskIndex, length }) => Uint16Array.from({ length }, (_, t) => Math.min(taskIndex + 1, t)),
    ...more,
  } as Dataset;
}

it('cuts tasks as the challenge does', () => {
  for (const { meanLengthFrames, numStages, name } of BEHAVIOR_TASKS)
    expect(stagesOfLength(meanLengthFrames / CHALLENGE_ROBOT.rate), name).toBe(numStages);
});

it('is the challenge’s for its data, by tasks’ names too', async () => {
  const tasks = (name: string) => new Map([[1, { name, instruction: '' }]]);
  const challenge = { robot: CHALLENGE_ROBOT, fps: CHALLENGE_ROBOT.rate };
  const own = fake({ ...challenge, tasks: tasks('picking_up_trash') }, [[1, 60]]);
  expect(await stageTable([own], 'time')).toEqual(BEHAVIOR_STAGES);
  const other = fake({ ...challenge, tasks: tasks('folding_laundry') }, [[1, 60]]);
  expect(await stageTable([other], 'time')).toEqual([1, 5]);
  expect(await stageTable([own, other], 'skills')).toEqual([1, 3]);
});

it('follows from the lengths or the recorded stages of other data', async () => {
  const sets = [
    fake({}, [
      [0, 400],
      [2, 20 * 200],
    ]),
    fake({}, [[2, 20 * 250]]),
  ];
  expect(await stageTable(sets, 'time')).toEqual([5, 1, 8]); // 225 s on average
  expect(await stageTable(sets, 'skills')).toEqual([2, 1, 4]);
  const clip = fake({ metaInfo: async () => ({ clip: { start: 0, fullLength: 20 * 1000 } }) }, [[0, 60]]);
  expect(await stageTable([clip], 'time')).toEqual([15]);
  const none = fake({ stages: async () => undefined }, [[0, 60]]);
  await expect(stageTable([none], 'skills')).rejects.toThrow(/stageLabels=time/);
});
