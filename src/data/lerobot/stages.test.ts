import { expect, it } from 'vitest';
import { isStage, stageColumn, stagesFromSkills } from './stages.ts';

it('skills beyond the 256th keep their numbers', () => {
  const skill_annotation = Array.from({ length: 400 }, (_, i) => ({
    skill_description: [`skill ${i}`],
    frame_duration: [i, i + 1] as [number, number],
  }));
  const stages = stagesFromSkills({ skill_annotation } as never, 402)!;
  expect([stages[255], stages[256], stages[399], stages[401]]).toEqual([255, 256, 399, 399]);
});

it('a recorded stage is a whole number that two bytes hold, or its row is named', () => {
  expect(stageColumn('x.parquet', [0, 256, 65535])).toEqual(Uint16Array.of(0, 256, 65535));
  for (const wrong of [-1, 65536, 1.5, Number.NaN]) {
    expect(isStage(wrong)).toBe(false);
    expect(() => stageColumn('x.parquet', [7, wrong])).toThrow(`x.parquet: annotation.stage is ${wrong} in row 1`);
  }
});
