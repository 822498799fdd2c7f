import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { firstDifference } from '../../../../test/support/lockstep.ts';
import { createExpert, type Expert } from '../../expert/index.ts';
import { Household, instanceIds } from '../../world/index.ts';
import type { DrawerRuntime } from './runtime.ts';
import { DRAWER_SKILLS, DRAWERS } from './stages.ts';
import { openingShownDrawer } from './task.ts';

const SCENE = 1;
let room: Household;
let runtime: DrawerRuntime;
let expert: Expert;
beforeAll(async () => {
  room = await Household.create(openingShownDrawer, { imageSize: 32 });
  runtime = room.runtime as DrawerRuntime;
  expert = createExpert(room);
});
beforeEach(() => room.reset(SCENE));
afterAll(() => {
  expert.close();
  room.close();
});

/** Opens a drawer by hand, without the robot. */
function open(drawer: number, metres = 0.05): void {
  const { physics } = room;
  physics.views.qpos[physics.positionAddress(DRAWERS[drawer]!)] = metres;
  room.step(room.lastAction);
}

describe('opening the shown drawer', () => {
  it('is done by that drawer, from a twentieth of its range on', () => {
    open(runtime.shown, 0.01);
    expect([room.q(), room.success]).toEqual([0, false]);
    open(runtime.shown, 0.013);
    expect([room.q(), room.success]).toEqual([1, true]);
  });

  it('is lost by another drawer, also when the right one follows', () => {
    open((runtime.shown + 1) % 3);
    open((runtime.shown + 1) % 3, 0);
    open(runtime.shown);
    expect([room.q(), room.success]).toEqual([0, false]);
    room.reset(SCENE);
    open(runtime.shown);
    expect(room.success).toBe(true);
  });

  it('leaves no trace: after the show the same pictures demand different drawers', async () => {
    for (const [a, b] of [
      [0, 1],
      [2, 1],
    ] as const) {
      const { step, same } = await firstDifference(
        openingShownDrawer,
        SCENE,
        (one, other) => {
          one.shown = a;
          other.shown = b;
        },
        ({ turnOfRobot }) => turnOfRobot,
      );
      expect(step).toBeGreaterThanOrEqual(145);
      expect(same).toBe(true);
    }
  });

  it('shows the ball in its drawer, and the same after going back', () => {
    runtime.shown = 2;
    const orange = () => {
      const { data } = room.picture('head', 64);
      let found = 0;
      for (let i = 0; i < data.length; i += 3)
        if (data[i]! > 120 && data[i + 1]! < 0.45 * data[i]! && data[i + 2]! < 0.4 * data[i]!) found++;
      return found;
    };
    const seen: number[] = [];
    let middle = room.snapshot();
    let picture = room.picture('head', 64).data;
    for (let step = 0; step <= 145; step++) {
      if (step === 120) {
        middle = room.snapshot();
        picture = room.picture('head', 64).data;
      }
      seen.push(step % 5 === 0 ? orange() : 0);
      room.step(expert.act());
    }
    expect(seen[10]).toBe(0);
    expect(seen[60]).toBeGreaterThan(5);
    expect(seen[145]).toBe(0);
    room.restore(middle);
    expect(Buffer.from(room.picture('head', 64).data).equals(Buffer.from(picture))).toBe(true);
  });

  it('has a stage for each drawer that was seen, and one for the handle in the hand', () => {
    const skills: string[] = [];
    for (let done = false; !done; ) {
      const { skill } = room.situation();
      if (skills.at(-1) !== skill) skills.push(skill);
      done = room.step(expert.act()).done;
    }
    expect(skills).toEqual([DRAWER_SKILLS[0], DRAWER_SKILLS[1 + runtime.shown], DRAWER_SKILLS[4]]);
    expect(room.success).toBe(true);
  });

  it('closes the hand in front of the handle now and then, and mends it', () => {
    const slipping = instanceIds('train', 40).filter((instance) => {
      room.reset(instance);
      return runtime.slip.pending;
    });
    expect(slipping.length).toBeGreaterThan(1);
    expect(slipping.length).toBeLessThan(15);
    for (const instance of slipping.slice(0, 2)) {
      room.reset(instance);
      let closed = 0;
      let result = { done: false, success: false };
      while (!result.done) {
        if (runtime.slip.pending && room.hands.right.opening < -0.6) closed++;
        result = room.step(expert.act());
      }
      expect(closed).toBeGreaterThan(0);
      expect(result.success).toBe(true);
    }
  });
});
