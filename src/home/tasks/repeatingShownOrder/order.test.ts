import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { firstDifference } from '../../../../test/support/lockstep.ts';
import { createExpert, type Expert } from '../../expert/index.ts';
import { Household, instanceIds } from '../../world/index.ts';
import type { OrderRuntime } from './runtime.ts';
import { BUTTONS, ORDER_SKILLS } from './stages.ts';
import { repeatingShownOrder } from './task.ts';

/** One in which no button is missed. */
const SCENE = 4;
let room: Household;
let runtime: OrderRuntime;
let expert: Expert;
beforeAll(async () => {
  room = await Household.create(repeatingShownOrder, { imageSize: 32 });
  runtime = room.runtime as OrderRuntime;
  expert = createExpert(room);
});
beforeEach(() => room.reset(SCENE));
afterAll(() => {
  expert.close();
  room.close();
});

/** Plays the expert until it is the robot's turn, then has it press these instead of what was shown. */
function play(order: readonly number[]): void {
  while (!runtime.turnOfRobot) room.step(expert.act());
  const shown = runtime.order;
  for (const button of order) {
    const before = runtime.save()[4 + button];
    expect(before).toBe(0);
    // the expert is made to believe that this one is next
    const next = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(runtime), 'next') as PropertyDescriptor;
    let pushed = false;
    while (!pushed && room.steps < 2 * room.maxSteps) {
      Object.defineProperty(runtime, 'next', { value: button, configurable: true });
      const action = expert.act();
      Object.defineProperty(runtime, 'next', { ...next, configurable: true });
      room.step(action);
      pushed = runtime.isDown(button);
    }
    expect(pushed).toBe(true);
  }
  expect(runtime.order).toBe(shown);
}

/** The colours of the lamps, from the robot's left. */
function lamps(): string[] {
  const { mujoco, model, views } = room.physics;
  return BUTTONS.map((name) => {
    const geom = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM.value, `lamp_${name}`);
    const [red, green] = [views.geomColour[4 * geom]! > 0.5, views.geomColour[4 * geom + 1]! > 0.5];
    return red ? (green ? 'yellow' : 'red') : green ? 'green' : 'dark';
  });
}

describe('repeating a shown order', () => {
  it('is done by the shown order, and half done by its first button', () => {
    play([runtime.order[0]!]);
    expect([room.q(), room.success]).toEqual([0.5, false]);
    while (runtime.isDown(runtime.order[0]!)) room.step(expert.act());
    play([runtime.order[0]!]); // again: it is done already
    expect([room.q(), room.success]).toEqual([0.5, false]);
    play([runtime.order[1]!]);
    expect([room.q(), room.success]).toEqual([1, true]);
  });

  it('is lost by a wrong button', () => {
    const [first, second] = runtime.order as [number, number];
    play([second, first, second]);
    expect([room.q(), room.success]).toEqual([0, false]);
  });

  it('leaves no trace: after the show the same pictures demand different buttons', async () => {
    const { step, same } = await firstDifference(
      repeatingShownOrder,
      SCENE,
      (one, other) => {
        one.order = [0, 1];
        other.order = [2, 1];
      },
      ({ turnOfRobot }) => turnOfRobot,
    );
    expect(step).toBeGreaterThan(240);
    expect(same).toBe(true);
  });

  it('shows each light in its turn, and again after going back', () => {
    const only = (button: number | undefined) => BUTTONS.map((_, i) => (i === button ? 'yellow' : 'dark'));
    const seen: string[][] = [];
    let middle = room.snapshot();
    while (!runtime.turnOfRobot) {
      if (room.steps === 180) middle = room.snapshot();
      room.step(expert.act());
      seen.push(lamps());
    }
    expect([10, 65, 125, 180, 237].map((at) => seen[at])).toEqual(
      [undefined, runtime.order[0], undefined, runtime.order[1], undefined].map(only),
    );
    room.restore(middle);
    expect(lamps()).toEqual(only(runtime.order[1]));
  });

  it('tells what was pressed, and nothing of what is to come: equal lamps, two ways to go on', async () => {
    play([runtime.order[0]!]);
    expect(lamps()).toEqual(BUTTONS.map((_, i) => (i === runtime.order[0] ? 'green' : 'dark')));
    const { step, same } = await firstDifference(
      repeatingShownOrder,
      SCENE,
      (one, other) => {
        one.order = [1, 0];
        other.order = [1, 2];
      },
      (panel) => panel.save()[1] === 1,
    );
    expect(step).toBeGreaterThan(300);
    expect(same).toBe(true);
    room.reset(SCENE);
    play([runtime.order[1]!]);
    expect(lamps()).toEqual(BUTTONS.map((_, i) => (i === runtime.order[1] ? 'red' : 'dark')));
  });

  it('comes down beside the first button now and then, and mends it', () => {
    const missing = instanceIds('train', 40).filter((instance) => {
      room.reset(instance);
      return runtime.save()[3] === 1;
    });
    expect(missing.length).toBeGreaterThan(1);
    expect(missing.length).toBeLessThan(15);
    for (const instance of missing.slice(0, 3)) {
      room.reset(instance);
      let beside = Number.POSITIVE_INFINITY;
      let result = { done: false, success: false };
      while (!result.done) {
        result = room.step(expert.act());
        const [x, y, z] = room.hands.right.tip;
        const [bx, by, bz] = runtime.top(runtime.order[0]!);
        if (runtime.save()[1] === 0 && z - bz < 0.06) beside = Math.min(beside, Math.hypot(x - bx + 0.06, y - by));
      }
      expect(beside).toBeLessThan(0.02);
      expect(result.success).toBe(true);
    }
  });

  it('has a stage for each order of which nothing is done, and for each last button', () => {
    expect(room.situation().stage).toBe(0);
    expect(ORDER_SKILLS).toHaveLength(13);
    play([]);
    expect(room.situation().skill).toBe(
      `press ${BUTTONS[runtime.order[0]!]!.split('_')[0]}, then ${BUTTONS[runtime.order[1]!]!.split('_')[0]}`,
    );
    play([runtime.order[0]!]);
    expect(room.situation().skill).toBe(`press ${BUTTONS[runtime.order[1]!]!.split('_')[0]}, the last`);
  });
});
