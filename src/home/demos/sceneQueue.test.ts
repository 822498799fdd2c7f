import { describe, expect, it } from 'vitest';
import { GIVE_UP, SceneQueue } from './sceneQueue.ts';

/** Plays scenes with `workers` players of different speeds; the n-th scene gives `yields(n)` episodes. */
async function play(queue: SceneQueue, workers: number, yields: (scene: number) => number) {
  const placed: string[] = [];
  const player = async (speed: number) => {
    for (let scene = queue.take(); scene; scene = queue.take()) {
      for (let i = 0; i < (scene.number * speed) % 7; i++) await Promise.resolve();
      const at = await scene.place(yields(scene.number));
      if (at && at.count > 0) placed.push(`${scene.task}: ${scene.number} → ${at.from}+${at.count}`);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, i) => player(i + 1)));
  return placed.sort();
}

describe('SceneQueue', () => {
  it('goes on until every task has exactly its episodes, the same with any number of players', async () => {
    const yields = (scene: number) => [3, 0, 1, 5][scene % 4]!;
    const one = new SceneQueue(2, 20);
    const placed = await play(one, 1, yields);
    expect(placed.filter((text) => text.startsWith('0'))).toContain('0: 8 → 18+2');
    expect([one.missing(0), one.missing(1)]).toEqual([0, 0]);
    for (const workers of [2, 5]) expect(await play(new SceneQueue(2, 20), workers, yields)).toEqual(placed);
  });

  it('gives a task up whose scenes give nothing, and knows what is missing', async () => {
    const queue = new SceneQueue(1, 10);
    expect(await play(queue, 3, (scene) => (scene < 2 ? 2 : 0))).toHaveLength(2);
    expect(queue.missing(0)).toBe(6);
    const patient = new SceneQueue(1, 10);
    await play(patient, 1, (scene) => (scene % GIVE_UP === GIVE_UP - 1 ? 5 : 0));
    expect(patient.missing(0)).toBe(0);
  });

  it('never hands out more scenes than there are', () => {
    const queue = new SceneQueue(1, 2, 2);
    expect([queue.take()?.number, queue.take()?.number, queue.take()]).toEqual([0, 1, undefined]);
  });
});
