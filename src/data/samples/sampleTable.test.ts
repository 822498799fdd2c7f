import { expect, it } from 'vitest';
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
