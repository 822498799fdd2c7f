import { InputError, present } from '../../base/index.ts';
import type { Annotation } from './layout.ts';

/**
 * Stage per frame from annotated skills: skill i of the list is stage i; a frame between two skills belongs to the
 * one before it.
 * An interrupted skill has several intervals.
 */
export function stagesFromSkills(annotation: Annotation, length: number): Uint16Array | undefined {
  const skills = annotation.skill_annotation;
  if (skills.length === 0) return undefined;
  const stages = new Int32Array(length).fill(-1);
  skills.forEach((skill, i) => {
    for (const [start, end] of intervalsOf(skill.frame_duration))
      stages.fill(i, Math.max(0, start), Math.min(length, end));
  });
  let before = 0;
  for (let t = 0; t < length; t++)
    before = stages[t] = present(stages[t], 'stages[t]') >= 0 ? present(stages[t], 'stages[t]') : before;
  return Uint16Array.from(stages);
}

/** A skill's intervals: [a, b) alone, or a list of such when it was interrupted. */
export function intervalsOf(
  duration: readonly number[] | readonly (readonly number[])[],
): (readonly [number, number])[] {
  return (Array.isArray(duration[0]) ? duration : [duration]) as (readonly [number, number])[];
}

/** Whether a value can be a stage: a whole number from 0 that two bytes hold. */
export const isStage = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < 65536;

/** A recorded column of stages. @throws InputError that names the first value that is none */
export function stageColumn(path: string, values: ArrayLike<number>): Uint16Array {
  const stages = Uint16Array.from(values);
  for (let row = 0; row < stages.length; row++)
    if (!isStage(values[row] as number))
      throw new InputError(
        path,
        `annotation.stage is ${values[row]} in row ${row} (expected a whole number from 0 to 65535).`,
      );
  return stages;
}
