import { expect, it } from 'vitest';
import type { HomeTask } from '../world/index.ts';
import { HOME_TASKS } from './homeTasks.ts';
import { registered } from './registered.ts';

const [first, second] = HOME_TASKS as [HomeTask, HomeTask];

it.each<[string, object, RegExp]>([
  ['no reference metres', { meanExpertMetres: undefined }, /meanExpertMetres.base is undefined \(expected metres/],
  ['no metres of one hand', { meanExpertMetres: { base: 1, left: 1 } }, /meanExpertMetres.right is undefined/],
  ['metres that are no number', { meanExpertMetres: { base: Number.NaN, left: 1, right: 1 } }, /base is NaN/],
  ['no reference steps', { meanExpertSteps: 0 }, /meanExpertSteps is 0 \(expected steps above 0/],
  ['too few skills', { skills: ['one'], numStages: 2 }, /the number of skills is 1 \(expected 2, one a stage/],
  ['successors of too few stages', { stageSuccessors: [[1], []] }, /stages with successors is 2 \(expected/],
  ['a stage that follows itself', { stageSuccessors: second.skills.map((_, i) => [i]) }, /stage 0 is followed by 0/],
  ['a negative id', { id: -1 }, /id is -1/],
])('a task with %s is refused when it is registered', (_, change, message) => {
  expect(() => registered([first, { ...second, name: 'new_task', ...change } as HomeTask])).toThrow(message);
});

it('two tasks of one number or name are refused; the tasks that come with Valet are whole', () => {
  expect(() => registered([first, { ...second, id: first.id }])).toThrow(/Give each task an id and a name of its own/);
  expect(() => registered([first, { ...second, name: first.name }])).toThrow(/already/);
  expect(registered(HOME_TASKS)).toBe(HOME_TASKS);
});
