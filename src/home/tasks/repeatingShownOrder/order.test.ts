import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { firstDifference } from '../../../../test/support/lockstep.ts';
import { createExpert, type Expert } from '../../expert/index.ts';
import { Household } from '../../world/index.ts';
import { BUTTONS, ORDER_SKILLS, type OrderRuntime } from './runtime.ts';
import { repeatingShownOrder } from './task.ts';

let room: Household;
let runtime: OrderRuntime;
let expert: Expert;
beforeAll(async () => {
  room = await Household.create(repeatingShownOrder, { imageSize: 32 });
  runtime = room.runtime as OrderRuntime;
  expert = createExpert(room);
});
beforeEach(() => room.reset(3));
afterAll(() => {
  expert.close();
  room.close();
});

/** Plays the expert until it is the robot's turn, then has it press these instead of what was shown. */
function play(order: readonly number[]): void {
  while (!runtime.turnOfRobot) room.step(expert.act());
  const shown = runtime.order;
  for (const button of order) {
    const before = runtime.save()[3 + button];
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
  }
  expect(runtime.order).toBe(shown);
}

describe('repeating a shown order', () => {
  it('is done by the shown order, and half done by its first button', () => {
    play([runtime.order[0]!]);
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
      3,
      (one, other) => {
        one.order = [0, 1];
        other.order = [2, 1];
      },
      ({ turnOfRobot }) => turnOfRobot,
    );
    expect(step).toBeGreaterThan(105);
    expect(same).toBe(true);
  });

  it('shows each light in its turn, and again after going back', () => {
    const lamps = () => {
      const { mujoco, model, views } = room.physics;
      return BUTTONS.map((name) => {
        const geom = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM.value, `lamp_${name}`);
        return views.geomColour[4 * geom]! > 0.5;
      });
    };
    const only = (button: number | undefined) => BUTTONS.map((_, i) => i === button);
    const seen: boolean[][] = [];
    let middle = room.snapshot();
    while (!runtime.turnOfRobot) {
      if (room.steps === 80) middle = room.snapshot();
      room.step(expert.act());
      seen.push(lamps());
    }
    expect([10, 35, 57, 80, 100].map((at) => seen[at])).toEqual(
      [undefined, runtime.order[0], undefined, runtime.order[1], undefined].map(only),
    );
    room.restore(middle);
    expect(lamps()).toEqual(only(runtime.order[1]));
  });

  it('has a stage for each order of which nothing is done, and for each last button', () => {
    expect(ORDER_SKILLS).toHaveLength(10);
    expect(room.situation().stage).toBe(0);
    play([]);
    expect(room.situation().skill).toBe(
      `press ${BUTTONS[runtime.order[0]!]!.split('_')[0]}, then ${BUTTONS[runtime.order[1]!]!.split('_')[0]}`,
    );
    play([runtime.order[0]!]);
    expect(room.situation().skill).toBe(`press ${BUTTONS[runtime.order[1]!]!.split('_')[0]}, the last`);
  });
});
