import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sense } from '../../../../test/support/lockstep.ts';
import { createExpert, type Expert } from '../../expert/index.ts';
import { Household } from '../../world/index.ts';
import { COOKING_STEPS, POPCORN_SKILLS, type PopcornRuntime } from './runtime.ts';
import { makeMicrowavePopcorn } from './task.ts';

let room: Household;
let runtime: PopcornRuntime;
let expert: Expert;
beforeAll(async () => {
  room = await Household.create(makeMicrowavePopcorn, { imageSize: 32 });
  runtime = room.runtime as PopcornRuntime;
  expert = createExpert(room);
});
afterAll(() => {
  expert.close();
  room.close();
});

/** Nothing moves for so many steps. */
const wait = (steps: number) => {
  for (let i = 0; i < steps; i++) room.step(room.lastAction);
};
const start = () => runtime.load([1, 1, 0, 0]);

describe('making microwave popcorn', () => {
  it('cooks after its time in the closed, running microwave', () => {
    room.reset(3);
    expect(room.goal().literals.map(({ value }) => value)).toEqual([false, true]);
    room.placeFree('bag', runtime.spot, [1, 0, 0, 0]);
    wait(COOKING_STEPS + 5);
    expect(room.success).toBe(false);
    start();
    wait(COOKING_STEPS - 2);
    expect([runtime.on, room.q(), room.success]).toEqual([true, 0, false]);
    wait(3);
    expect([runtime.on, runtime.cooked, room.success, room.q()]).toEqual([false, true, true, 1]);
  });

  it('does not cook outside, and stops when the door is opened', () => {
    room.reset(3);
    start();
    wait(COOKING_STEPS + 5);
    expect(runtime.cooked).toBe(false);
    room.placeFree('bag', runtime.spot, [1, 0, 0, 0]);
    runtime.door.angle = 0.5;
    wait(COOKING_STEPS + 5);
    expect([runtime.on, runtime.cooked]).toEqual([false, false]);
  });

  it('glows while it runs, and goes on from a snapshot to the bit while it cooks', () => {
    room.reset(1_000_000);
    while (!runtime.on) room.step(expert.act());
    wait(10);
    const glow = () => {
      const { mujoco, model, views } = room.physics;
      return views.geomColour[4 * mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM.value, 'microwave_window')]! > 0.5;
    };
    expect(glow()).toBe(true);
    const snapshot = room.snapshot();
    const play = () => {
      const track: number[] = [];
      while (!room.success) {
        room.step(expert.act());
        track.push(...room.pose(), ...runtime.save());
      }
      return track;
    };
    const first = play();
    expect(glow()).toBe(false);
    room.restore(snapshot);
    expect(glow()).toBe(true);
    expect(play()).toEqual(first);
  });

  it('demands other actions with the bag in the closed microwave than out of sight, and looks the same', () => {
    room.reset(1_000_001);
    const there = [...runtime.bag] as const;
    const { spot } = runtime;
    /** What it senses and does when the bag is at a place. */
    const seen = (place: readonly [number, number, number]) => {
      const before = room.snapshot();
      room.placeFree('bag', place, [1, 0, 0, 0]);
      room.physics.poses();
      const found = { sensed: sense(room), action: expert.act(), skill: expert.skill };
      room.restore(before);
      return found;
    };
    const both = () => [seen(spot), seen(there)] as const;
    const begin = both();
    while (expert.stage < 4) room.step(expert.act());
    const end = both();
    for (const [inside, outside] of [begin, end]) {
      expect(inside.sensed).toBe(outside.sensed);
      expect(inside.action).not.toEqual(outside.action);
      expect([inside.skill, outside.skill]).toEqual([POPCORN_SKILLS[4], POPCORN_SKILLS[0]]);
    }
  });

  it('keeps a shut door shut until somebody pulls it', () => {
    room.reset(3);
    runtime.door.angle = 0.05;
    wait(30);
    expect(runtime.door.angle).toBeLessThan(0.01);
    runtime.door.angle = 0.5;
    wait(30);
    expect(runtime.door.angle).toBeGreaterThan(0.4);
  });
});
