import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createExpert, type Expert } from '../../expert/index.ts';
import { Household, instanceIds, vectorAt } from '../../world/index.ts';
import type { HalloweenRuntime } from './runtime.ts';
import { HALLOWEEN_SKILLS, halloweenStage, STOWED } from './stages.ts';
import { puttingAwayHalloweenDecorations } from './task.ts';

const SCENE = 1_000_000;
let room: Household;
let runtime: HalloweenRuntime;
let expert: Expert;
beforeAll(async () => {
  room = await Household.create(puttingAwayHalloweenDecorations, { imageSize: 32 });
  runtime = room.runtime as HalloweenRuntime;
  expert = createExpert(room);
});
beforeEach(() => room.reset(SCENE));
afterAll(() => {
  expert.close();
  room.close();
});

const wait = (steps: number) => {
  for (let i = 0; i < steps; i++) room.step(room.lastAction);
};
/** Draws the drawer out by hand, to a share of its range. */
function draw(share: number): void {
  const { physics } = room;
  physics.views.qpos[physics.positionAddress('drawer')] = share * 0.27;
  wait(1);
}
/** Lays the decorations side by side into the open drawer, by hand. */
function fill(names: readonly string[]): void {
  const [x, y, z] = vectorAt(room.physics.views.xpos, room.physics.id('body', 'drawer'));
  names.forEach((name, i) => {
    room.placeFree(name, [x + 0.08 + 0.1 * (i % 2), y - 0.12 + 0.12 * Math.floor(i / 2), z], [1, 0, 0, 0]);
  });
  wait(20);
}

describe('putting away Halloween decorations', { timeout: 300_000 }, () => {
  it('counts each decoration in the cabinet, the cauldron beside the table, and a cabinet that is shut', () => {
    expect(room.goal().literals.map(({ value }) => value)).toEqual([false, false, false, false, false, true, false]);
    draw(1);
    fill(STOWED.slice(0, 3));
    expect(room.q()).toBeCloseTo(3 / 7, 6);
    expect(room.goal().literals[5]).toEqual({ text: 'not open(cabinet)', value: false, initial: true });
    fill(STOWED);
    room.placeFree('cauldron', runtime.spot, [1, 0, 0, 0]);
    wait(5);
    expect([room.q(), room.success]).toEqual([6 / 7, false]);
    draw(0);
    fill(STOWED);
    expect([room.q(), room.success]).toEqual([1, true]);
  });

  it('goes through its stages in their order, each once', () => {
    const skills: string[] = [];
    for (let done = false; !done; ) {
      const { skill } = room.situation();
      if (skills.at(-1) !== skill) skills.push(skill);
      done = room.step(expert.act()).done;
    }
    expect(skills).toEqual(HALLOWEEN_SKILLS);
    expect(room.success).toBe(true);
  });

  it('says what is to be done of every state', () => {
    const stage = (stowed: number, held: Parameters<typeof halloweenStage>[0]['held'], wide: boolean, ajar = wide) =>
      HALLOWEEN_SKILLS[halloweenStage({ stowed, held, wide, ajar })];
    expect(stage(0, 'nothing', false)).toMatch('open');
    expect(stage(2, 'nothing', false, true)).toMatch('open');
    expect(stage(2, 'nothing', true)).toBe('take the third decoration');
    expect(stage(2, 'decoration', true)).toBe('put the third decoration into the drawer');
    expect(stage(5, 'handle', false, true)).toMatch('shut');
    expect(stage(5, 'nothing', false, false)).toBe('take the cauldron');
    expect(stage(5, 'cauldron', false)).toMatch('beside the table');
  });

  it('goes on with what can be reached when a decoration has fallen to the floor', () => {
    draw(1);
    const first = runtime.next!.index;
    const [x, y] = runtime.position(first);
    room.placeFree(STOWED[first]!, [x - 0.2, y, 0.05], [1, 0, 0, 0]);
    wait(20);
    expect(runtime.next!.index).not.toBe(first);
    expect(HALLOWEEN_SKILLS[runtime.stage]).toBe('take the second decoration');
    while (room.steps < room.maxSteps && room.goal().literals.filter(({ value }) => !value).length > 1)
      room.step(expert.act());
    const failed = room.goal().literals.filter(({ value }) => !value);
    expect(failed.map(({ text }) => text)).toEqual([expect.stringMatching(`inside.*${STOWED[first]}.*cabinet`)]);
    expect(room.q()).toBeCloseTo(5 / 7, 6); // the shut drawer, which was so before, brings nothing alone
  });

  it('misses the first decoration now and then, and mends it', () => {
    const missing = instanceIds('train', 40).filter((instance) => {
      room.reset(instance);
      return runtime.slip.pending;
    });
    expect(missing.length).toBeGreaterThan(1);
    expect(missing.length).toBeLessThan(15);
    room.reset(missing[0]!);
    let closed = 0;
    while (runtime.stowed === 0 && room.steps < 500) {
      if (runtime.slip.pending && runtime.wide && room.hands.right.opening < -0.6) closed++;
      room.step(expert.act());
    }
    expect(closed).toBeGreaterThan(0);
    expect(runtime.stowed).toBe(1);
  });
});
