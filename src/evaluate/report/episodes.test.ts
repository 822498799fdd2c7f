import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseEpisodes, type PageEpisode, picturesAt } from './episodes.ts';

const episode = (task: string, instance: number, q: number, changes: Partial<PageEpisode> = {}): PageEpisode => ({
  unit: `${task}_${instance}_0`,
  task,
  instance,
  rollout: 0,
  q,
  success: q === 1,
  steps: 100,
  seconds: 3,
  rules: 0,
  recording: 'page',
  ...changes,
});
const episodes = [
  episode('radio', 0, 1, { seconds: 5 }),
  episode('trash', 0, 0.5, { rules: 2 }),
  episode('radio', 1, 0, { seconds: 9 }),
  episode('trash', 1, 1, { seconds: 2 }),
  episode('radio', 10, 1),
  episode('trash', 10, 0),
];
const units = (choice: Parameters<typeof chooseEpisodes>[1]) =>
  chooseEpisodes(episodes, choice).map(({ task, instance }) => `${task} ${instance}`);

describe('the list of episodes', () => {
  it('begins with failures, the lowest q first', () => {
    expect(units({})).toEqual(['radio 1', 'trash 10', 'trash 0', 'radio 0', 'radio 10', 'trash 1']);
    // A full score of a task that was not done is a failure still.
    const odd = [episode('a', 0, 1), episode('a', 1, 1, { success: false })];
    expect(chooseEpisodes(odd).map(({ instance }) => instance)).toEqual([1, 0]);
  });

  it('in other orders', () => {
    expect(units({ order: 'best' }).slice(0, 3)).toEqual(['radio 0', 'radio 10', 'trash 1']);
    expect(units({ order: 'instance' })).toEqual(['radio 0', 'trash 0', 'radio 1', 'trash 1', 'radio 10', 'trash 10']);
    expect(units({ order: 'longest' }).slice(0, 2)).toEqual(['radio 1', 'radio 0']);
    expect(units({ order: 'shortest' })[0]).toBe('trash 1');
  });

  it('by task, result, range of q and instances', () => {
    expect(units({ task: 'trash' })).toEqual(['trash 10', 'trash 0', 'trash 1']);
    expect(units({ result: 'open' })).toEqual(['radio 1', 'trash 10', 'trash 0']);
    expect(units({ result: 'partly' })).toEqual(['trash 0']);
    expect(units({ result: 'nothing' })).toEqual(['radio 1', 'trash 10']);
    expect(units({ result: 'done' })).toEqual(['radio 0', 'radio 10', 'trash 1']);
    expect(units({ result: 'rules' })).toEqual(['trash 0']);
    expect(units({ low: 0.5, high: 0.5 })).toEqual(['trash 0']);
    expect(units({ instances: '1' })).toEqual(['radio 1', 'trash 1']);
    expect(units({ instances: ' 0, 9 - 11 ' })).toEqual(['trash 10', 'trash 0', 'radio 0', 'radio 10']);
    expect(units({ instances: 'x' })).toEqual([]);
    expect(units({ task: 'radio', result: 'done', instances: '5-20' })).toEqual(['radio 10']);
  });

  it('any order holds each episode once, and the results make up the whole', () => {
    const any = fc.array(
      fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(50), fc.constantFrom(0, 0.25, 0.7, 1), fc.nat(3)),
    );
    fc.assert(
      fc.property(any, fc.constantFrom('worst', 'best', 'instance', 'longest', 'shortest' as const), (rows, order) => {
        const all = rows.map(([task, instance, q, rules], rollout) => episode(task, instance, q, { rules, rollout }));
        expect(new Set(chooseEpisodes(all, { order }))).toEqual(new Set(all));
        const count = (result: 'partly' | 'nothing' | 'done') => chooseEpisodes(all, { result, order }).length;
        expect(count('partly') + count('nothing') + count('done')).toBe(all.length);
      }),
    );
  });

  it('works as the text that the page carries', () => {
    const text = `const __name = (inner) => inner; return ${chooseEpisodes.toString()}`;
    const inPage = new Function(text)() as typeof chooseEpisodes;
    expect(inPage(episodes, { task: 'trash', order: 'best' })).toEqual(
      chooseEpisodes(episodes, { task: 'trash', order: 'best' }),
    );
  });
});

it('the pictures beside a pose are the last ones before it', () => {
  const pictures = [0, 30, 45, 60].map((step) => ({ step }));
  expect([0, 29, 30, 44.4, 50, 1000].map((step) => picturesAt(pictures, step))).toEqual([0, 0, 1, 1, 2, 3]);
  expect(picturesAt([], 5)).toBe(0);
});
