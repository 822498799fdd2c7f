import { afterAll, beforeAll, expect, it } from 'vitest';
import { createExpert } from '../expert/index.ts';
import { openHousehold } from '../tasks/index.ts';
import type { Household } from './household.ts';
import { ScenePainter } from './scenePainter.ts';

let household: Household;
beforeAll(async () => {
  household = await openHousehold('turning_on_radio', { imageSize: 32 });
});
afterAll(() => household.close());

it('draws from description and poses what the household draws itself, at the start and later', () => {
  household.reset(3);
  const painter = new ScenePainter(household.sceneDescription());
  const expert = createExpert(household);
  for (let step = 0; step <= 60; step++) {
    if (step % 30 === 0)
      for (const camera of ['overview', 'head', 'left_wrist']) {
        const { data } = household.picture(camera, 96, 64);
        const again = painter.picture(camera, household.pose(), { width: 96, height: 64 }).data;
        // Poses are kept in 32 bits, so that a few pixels at edges differ.
        const other = data.filter((value, i) => Math.abs(value - (again[i] as number)) > 2).length;
        expect(other / data.length, `${camera} at step ${step}`).toBeLessThan(0.005);
        expect(new Set(data).size).toBeGreaterThan(20);
      }
    household.step(expert.act());
  }
  expert.close();
});

it('draws other colours, and refuses a camera that is none', () => {
  const scene = household.sceneDescription();
  const painter = new ScenePainter(scene);
  const size = { width: 48, height: 32 };
  const was = painter.picture('overview', household.pose(), size).data;
  const red = new Map(scene.geoms.map((_, g) => [g, [1, 0, 0, 1]]));
  const now = painter.picture('overview', household.pose(), { ...size, colours: red }).data;
  expect(was.some((value, i) => i % 3 === 1 && value > 60)).toBe(true);
  expect(now.every((value, i) => i % 3 === 0 || value === 0)).toBe(true);
  expect(() => painter.picture('tail', household.pose(), size)).toThrow(/no camera tail \(the scene has .*overview/);
});
