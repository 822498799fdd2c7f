import { present } from '../../base/index.ts';
import type { Annotation } from './layout.ts';

/**
 * Stage per frame from annotated skills: skill i of the list is stage i; a frame between two skills belongs to the
 * one before it.
 * An interrupted skill has several intervals.
 */
export function stagesFromSkills(annotation: Annotation, length: number): Uint8Array | undefined {
  const skills = annotation.skill_annotation;
  if (skills.length === 0) return undefined;
  const stages = new Int16Array(length).fill(-1);
  skills.forEach((skill, i) => {
    for (const [start, end] of intervalsOf(skill.frame_duration))
      stages.fill(Math.min(255, i), Math.max(0, start), Math.min(length, end));
  });
  let before = 0;
  for (let t = 0; t < length; t++)
    before = stages[t] = present(stages[t], 'stages[t]') >= 0 ? present(stages[t], 'stages[t]') : before;
  return Uint8Array.from(stages);
}

/** A skill's intervals: [a, b) alone, or a list of such when it was interrupted. */
export function intervalsOf(
  duration: readonly number[] | readonly (readonly number[])[],
): (readonly [number, number])[] {
  return (Array.isArray(duration[0]) ? duration : [duration]) as (readonly [number, number])[];
}
