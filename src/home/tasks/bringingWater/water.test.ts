import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExpert, type Expert } from '../../expert/index.ts';
import { DOOR_RANGE } from '../../fixtures/index.ts';
import { Household } from '../../world/index.ts';
import { BOTTLES, DOOR, WATER_SKILLS, type WaterRuntime } from './runtime.ts';
import { bringingWater } from './task.ts';

let room: Household;
let runtime: WaterRuntime;
let expert: Expert;
beforeAll(async () => {
  room = await Household.create(bringingWater, { imageSize: 32 });
  runtime = room.runtime as WaterRuntime;
  expert = createExpert(room);
});
afterAll(() => {
  expert.close();
  room.close();
});

const values = () => room.goal().literals.map(({ value }) => value);

describe('a hinged door', () => {
  it('has its handle where its points say, at every angle', () => {
    room.reset(4);
    for (const angle of [0, 0.4, 1.1, DOOR_RANGE]) {
      runtime.door.angle = angle;
      room.physics.poses();
      const handle = runtime.door.handle;
      for (const [k, x] of runtime.door.point(DOOR.handleAt, DOOR.standoff).entries())
        expect(x).toBeCloseTo(handle[k]!, 6);
      const { along, out } = runtime.door.seen(handle);
      expect([along, out]).toEqual([expect.closeTo(DOOR.handleAt, 6), expect.closeTo(DOOR.standoff, 6)]);
      expect(runtime.door.isOpen).toBe(angle > 0.1);
    }
  });

  it('is held by its handle at one point: the hand turns about it', () => {
    room.reset(1_000_000);
    while (!runtime.handleHeld) room.step(expert.act());
    const grip = runtime.door.seen(room.hands.right.tip);
    while (runtime.door.angle < 1.2) room.step(expert.act());
    const later = runtime.door.seen(room.hands.right.tip);
    expect(Math.hypot(later.along - grip.along, later.out - grip.out)).toBeLessThan(0.03);
    expect(runtime.handleHeld).toBe(true);
  });
});

describe('bringing water', () => {
  it('asks for both bottles on the table and a closed door, which earns nothing by itself', () => {
    room.reset(4);
    expect([values(), room.q()]).toEqual([[false, false, true], 0]);
    for (const [i, side] of (['left', 'right'] as const).entries()) {
      room.placeFree(BOTTLES[i]!, runtime.spot(side), [1, 0, 0, 0]);
      runtime.door.angle = 1;
      room.physics.poses();
      expect(room.q()).toBeCloseTo((i + 1) / 3, 12);
    }
    runtime.door.angle = 0;
    room.physics.poses();
    expect([values(), room.success]).toEqual([[true, true, true], true]);
    const [x, y, z] = runtime.spot('left');
    room.placeFree(BOTTLES[0], [x, y, z + 0.1], [1, 0, 0, 0]); // held above the table is not on it
    room.physics.poses();
    expect(values()).toEqual([false, true, true]);
  });

  it('goes stage by stage, and on from a snapshot to the bit with the handle in the hand', () => {
    room.reset(1_000_001);
    while (!runtime.handleHeld) room.step(expert.act());
    for (let i = 0; i < 8; i++) room.step(expert.act());
    const snapshot = room.snapshot();
    const play = () => {
      const track: number[] = [];
      for (let i = 0; i < 60; i++) {
        room.step(expert.act());
        track.push(...room.pose(), runtime.door.angle);
      }
      return track;
    };
    const first = play();
    room.restore(snapshot);
    expect(play()).toEqual(first);
    const stages = new Set<number>();
    while (!room.success && room.steps < room.maxSteps) {
      stages.add(room.situation().stage);
      room.step(expert.act());
    }
    expect([...stages]).toEqual(WATER_SKILLS.map((_, i) => i).slice(Math.min(...stages)));
    expect(room.success).toBe(true);
  });
});
