import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { firstDifference } from '../../../../test/support/lockstep.ts';
import { createExpert, type Expert } from '../../expert/index.ts';
import { Household, instanceIds, type Vector3 } from '../../world/index.ts';
import type { CountingRuntime } from './runtime.ts';
import { COUNTING_SKILLS, COUNTING_SUCCESSORS } from './stages.ts';
import { countingBalls } from './task.ts';

const SCENE = 2;
let room: Household;
let runtime: CountingRuntime;
let expert: Expert;
beforeAll(async () => {
  room = await Household.create(countingBalls, { imageSize: 32 });
  runtime = room.runtime as CountingRuntime;
  expert = createExpert(room);
});
beforeEach(() => room.reset(SCENE));
afterAll(() => {
  expert.close();
  room.close();
});

/** Lets the ball fall from a place, without the robot, until another lies on the stand. */
function fall([x, y, z]: Vector3): void {
  room.placeFree('ball', [x, y, z], [1, 0, 0, 0]);
  for (let i = 0; i < 130; i++) room.step(room.lastAction);
}
const aboveBox = (): Vector3 => {
  const [x, y, z] = runtime.opening;
  return [x, y, z + 0.05];
};

/** The expert is made to believe that so many balls are left to put in: none, so that it rings. */
function ring(): void {
  const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(runtime), 'left') as PropertyDescriptor;
  while (runtime.save()[2] === 0 && room.steps < 2 * room.maxSteps) {
    Object.defineProperty(runtime, 'left', { value: 0, configurable: true });
    const action = expert.act();
    Object.defineProperty(runtime, 'left', { ...own, configurable: true });
    room.step(action);
  }
  expect(runtime.save()[2]).toBe(1);
}

describe('counting balls into a box', () => {
  it('is done by the asked number and the bell, half done by the number alone', () => {
    runtime.asked = 2;
    expect(room.q()).toBe(0);
    fall(aboveBox());
    expect([runtime.left, room.q()]).toEqual([1, 0]);
    fall(aboveBox());
    expect([runtime.left, room.q(), room.success]).toEqual([0, 0.5, false]);
    ring();
    expect([room.q(), room.success]).toEqual([1, true]);
  });

  it('is not done by one too many, nor by the bell before the last', () => {
    runtime.asked = 1;
    fall(aboveBox());
    expect(room.q()).toBe(0.5);
    fall(aboveBox());
    expect(room.q()).toBe(0);
    ring();
    expect([room.q(), room.success]).toEqual([0, false]);
    room.reset(SCENE);
    runtime.asked = 2;
    fall(aboveBox());
    ring();
    expect([room.q(), room.success]).toEqual([0, false]);
    // what comes after the bell no longer counts
    fall(aboveBox());
    expect([runtime.left, room.q(), room.success]).toEqual([1, 0, false]);
  });

  it('has another ball at rest in its nest a while after one fell into the box, or off the table', () => {
    const nest = () => runtime.ball.map((x, i) => x - runtime.stand[i]!);
    const isSeen = () => room.physics.views.geomColour[4 * room.physics.id('geom', 'ball') + 3] === 1;
    const rests = () => {
      for (let i = 0; i < 60; i++) room.step(room.lastAction);
      const [dx, dy, dz] = nest();
      expect(Math.hypot(dx!, dy!)).toBeLessThan(0.003);
      expect(Math.abs(dz! - 0.07)).toBeLessThan(0.003);
    };
    rests();
    const [x, y, z] = aboveBox();
    room.placeFree('ball', [x, y, z], [1, 0, 0, 0]);
    for (let i = 0; i < 40; i++) room.step(room.lastAction);
    expect([runtime.waiting, isSeen()]).toEqual([true, false]);
    const middle = room.snapshot();
    for (let i = 0; i < 80; i++) room.step(room.lastAction);
    expect([runtime.waiting, isSeen()]).toEqual([false, true]);
    room.restore(middle);
    expect([runtime.waiting, isSeen()]).toEqual([true, false]);
    for (let i = 0; i < 80; i++) room.step(room.lastAction);
    rests();
    fall([-0.3, 1, 0.3]);
    rests();
    expect(runtime.asked - runtime.left).toBe(1);
  });

  it.for([SCENE, SCENE + 1, SCENE + 2, SCENE + 3])(
    'is mended by the expert with one ball too many in its hand (%i)',
    (scene) => {
      room.reset(scene);
      while (!runtime.held) room.step(expert.act());
      for (let i = 0; i < 20; i++) room.step(expert.act());
      expect(runtime.held).toBe(true);
      // Nothing is left to put in.
      runtime.asked = 0;
      while (runtime.save()[2] === 0 && room.steps < room.maxSteps) room.step(expert.act());
      expect([runtime.save()[2], runtime.held, runtime.left]).toEqual([1, false, 0]);
      expect(runtime.ball[2]).toBeCloseTo(runtime.nest[2], 2);
    },
  );

  it('hides the count: equal pictures, and one goes for a ball where the other goes for the bell', async () => {
    const { step, same } = await firstDifference(
      countingBalls,
      SCENE,
      (one, other) => {
        one.asked = 1;
        other.asked = 3;
      },
      ({ turnOfRobot }) => turnOfRobot,
    );
    expect(step).toBeGreaterThan(150);
    expect(same).toBe(true);
  });

  it('counts down in its stages, along their successors', () => {
    for (const asked of [1, 3]) {
      room.reset(SCENE);
      runtime.asked = asked;
      const stages: number[] = [];
      let result = { done: false, success: false };
      while (!result.done) {
        if (stages.at(-1) !== expert.stage) stages.push(expert.stage);
        result = room.step(expert.act());
      }
      expect(result.success).toBe(true);
      expect(stages).toEqual(asked === 1 ? [0, 5, 6, 7] : [0, 1, 2, 3, 4, 5, 6, 7]);
      expect(room.steps).toBeLessThan(1.6 * countingBalls.meanExpertSteps);
      for (const [i, stage] of stages.slice(1).entries()) expect(COUNTING_SUCCESSORS[stages[i]!]).toContain(stage);
    }
    expect(COUNTING_SKILLS).toHaveLength(8);
  });

  it('closes the hand in front of the ball now and then, and mends it', () => {
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
        if (runtime.slip.pending && runtime.turnOfRobot && room.hands.right.opening < -0.6) closed++;
        result = room.step(expert.act());
      }
      expect(closed).toBeGreaterThan(0);
      expect(result.success).toBe(true);
    }
  });

  it('goes on from a snapshot to the same end', () => {
    while (room.steps < 180) room.step(expert.act());
    const middle = room.snapshot();
    const end = () => {
      while (room.steps < 260) room.step(expert.act());
      return [...room.pose(), ...runtime.save()];
    };
    const once = end();
    room.restore(middle);
    expect(end()).toEqual(once);
  });
});
