import { expect, it } from 'vitest';
import { badNumbers } from './badNumbers.ts';
import { SampleTable } from './sampleTable.ts';

it('keeps tasks, stages and folders beyond 255 and 65535 as they are', () => {
  const table = new SampleTable(1, 1, 2);
  table.put(
    {
      dataset: 300,
      episode: { index: 7, taskIndex: 70_000, instruction: '', length: 1 },
      starts: { first: 0, stride: 1, count: 1 },
      firstSample: 0,
    },
    {
      action: new Float32Array(2),
      state: new Float32Array(2),
      taskInfo: new Float32Array(0),
      taskInfoWidth: 0,
      stage: Uint16Array.of(1000),
    },
  );
  expect([table.folder[0], table.taskId[0], table.stage[0]]).toEqual([300, 70_000, 1000]);
});

it('a chunk that reaches beyond its episode ends there: a bad number of the next one is not its own', () => {
  const table = new SampleTable(4, 4, 1);
  for (const [index, action] of [Float32Array.of(1, 2), Float32Array.of(Number.NaN, 4)].entries())
    table.put(
      {
        dataset: 0,
        episode: { index, taskIndex: 0, instruction: '', length: 2 },
        starts: { first: 0, stride: 1, count: 2 },
        firstSample: 2 * index,
      },
      {
        action,
        state: new Float32Array(2),
        taskInfo: new Float32Array(0),
        taskInfoWidth: 0,
        stage: new Uint16Array(2),
      },
    );
  table.seal();
  expect([0, 1, 3].map((place) => [...table.chunk(place, 3)])).toEqual([
    [1, 2, 2],
    [2, 2, 2],
    [4, 4, 4],
  ]);
  expect(badNumbers(table, 3).map(({ sample }) => sample)).toEqual([2]);
});
