import { describe, expect, it } from 'vitest';
import { CheckpointSwitcher, parseCheckpointMapping } from './checkpointMapping.ts';

const tasks = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const mapping = () => ({
  checkpoints: { a: { path: 'A', tasks: tasks(0, 39) }, b: { path: 'B', tasks: tasks(40, 50) } },
});

describe("the original's checkpoint mapping", () => {
  it('gives every task its checkpoint, tasks beyond the challenge included', () => {
    const { byTask, paths } = parseCheckpointMapping(mapping());
    expect([byTask.get(0), byTask.get(39), byTask.get(40), byTask.get(50)]).toEqual(['a', 'a', 'b', 'b']);
    expect(paths.get('b')).toBe('B');
  });

  it.each([
    [(m: ReturnType<typeof mapping>) => m.checkpoints.a.tasks.pop(), /no checkpoint for task 39/],
    [(m: ReturnType<typeof mapping>) => m.checkpoints.a.tasks.push(40), /task 40 is named twice \(by a and b\)/],
    [(m: ReturnType<typeof mapping>) => m.checkpoints.b.tasks.push(45), /task 45 is named twice \(by b and b\)/],
    [(m: ReturnType<typeof mapping>) => delete (m.checkpoints.a as { path?: string }).path, /checkpoints\.a\.path/],
    [(m: ReturnType<typeof mapping>) => delete (m as { checkpoints?: unknown }).checkpoints, /checkpoints/],
  ])('refuses what is wrong (%#)', (spoil, message) => {
    const spoilt = mapping();
    spoil(spoilt);
    expect(() => parseCheckpointMapping(spoilt)).toThrow(message);
  });

  it('keeps one checkpoint in memory, and loads again after a failure', async () => {
    const loads: string[] = [];
    let fail = false;
    const switcher = new CheckpointSwitcher(parseCheckpointMapping(mapping()), (name, path, previous) => {
      loads.push(`${name} ${path} ${previous ?? 'none'}`);
      if (fail) throw new Error('no memory');
      return name;
    });
    for (const task of [3, 4, 41, 41, 3]) await switcher.use(task);
    expect(loads).toEqual(['a A none', 'b B a', 'a A b']);
    fail = true;
    await expect(switcher.use(40)).rejects.toThrow('no memory');
    fail = false;
    expect(await switcher.use(3)).toBe('a');
    expect(loads.length).toBe(5);
    await expect(switcher.use(51)).rejects.toThrow(/task 51 has no checkpoint/);
  });
});
