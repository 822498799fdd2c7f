import { expect, it } from 'vitest';
import { TaskMeter } from './taskMeter.ts';

it('means go over the samples of a task since the last reading', () => {
  const meter = new TaskMeter(new Map([[3, 'picking_up_trash']]));
  const add = (task: number[], action: number[], right: number[]) =>
    meter.add({
      task: Int32Array.from(task),
      action: Float32Array.from(action),
      stage: Float32Array.from(action),
      right: Float32Array.from(right),
    });
  add([3, 7, 3], [1, 5, 2], [1, 1, 0]);
  add([3], [6], [0]);
  expect(meter.read()).toEqual({
    picking_up_trash: { samples: 3, action: 3, stage: 3, stageAccuracy: expect.closeTo(1 / 3, 6) },
    'task 7': { samples: 1, action: 5, stage: 5, stageAccuracy: 1 },
  });
  expect(meter.read()).toEqual({});
});
