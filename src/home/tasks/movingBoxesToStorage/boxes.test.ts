import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExpert, type Expert } from '../../expert/index.ts';
import { Household } from '../../world/index.ts';
import { BOXES, type BoxesRuntime, CARTON, PLACE } from './runtime.ts';
import { movingBoxesToStorage } from './task.ts';

let room: Household;
let runtime: BoxesRuntime;
let expert: Expert;
beforeAll(async () => {
  room = await Household.create(movingBoxesToStorage, { imageSize: 32 });
  runtime = room.runtime as BoxesRuntime;
  expert = createExpert(room);
});
afterAll(() => {
  expert.close();
  room.close();
});

const bothHold = () => room.hands.left.held >= 0 && room.hands.right.held === room.hands.left.held;

/** Puts a container on the place, as high as if it stood on so many others. */
function put(index: number, level: number, aside = 0): void {
  const [x, y] = runtime.destination;
  const low = 2 * PLACE.half[2] + (2 * level + 1) * CARTON.half[2];
  room.placeFree(BOXES[index] as string, [x + aside, y, low], [1, 0, 0, 0]);
  room.physics.poses();
}

describe('moving boxes to storage', () => {
  it('is done by either stack on the garage floor, half done by one container there', () => {
    for (const [low, high] of [
      [0, 1],
      [1, 0],
    ] as const) {
      room.reset(5);
      expect(room.q()).toBe(0);
      put(low, 0);
      expect([room.q(), room.success]).toEqual([0.5, false]);
      expect(runtime.lowest?.index).toBe(low);
      put(high, 1, 2 * CARTON.half[0]); // beside the other, in the air
      expect(room.success).toBe(false);
      put(high, 1, 0.05);
      expect([room.q(), room.success]).toEqual([1, true]);
    }
  });

  it('is not done by two containers side by side, or stacked elsewhere', () => {
    room.reset(6);
    put(0, 0, -0.1);
    put(1, 0, 0.1);
    expect(room.q()).toBe(0.5);
    room.reset(6);
    const { position } = runtime.box(0);
    room.placeFree(BOXES[1], [position[0], position[1], 3 * CARTON.half[2]], [1, 0, 0, 0]);
    room.physics.poses();
    expect(room.q()).toBe(0.5);
  });

  const ROOT_HALF = Math.SQRT1_2;
  const [side, end] = [[ROOT_HALF, 0, ROOT_HALF, 0] as const, [ROOT_HALF, ROOT_HALF, 0, 0] as const];
  it.for([
    ['on its end', end, 1, 0.3],
    ['on its end, turned by a quarter and more', end, 1, Math.PI / 2 + 0.2],
    ['on its side', side, 0, -0.2],
    ['turned by half', [1, 0, 0, 0], 2, Math.PI - 0.1],
  ] as const)('a container that was tipped is taken as it stands by the expert: %s', ([, tipped, axis, yaw]) => {
    room.reset(7);
    const { index, position } = runtime.current()!;
    const [w, x, y, z] = tipped;
    const [c, t] = [Math.cos(yaw / 2), Math.sin(yaw / 2)];
    const turned = [c * w - t * z, c * x - t * y, c * y + t * x, c * z + t * w] as const;
    room.placeFree(BOXES[index]!, [position[0], position[1], CARTON.half[axis] + 0.002], turned);
    room.physics.poses();
    expect(Math.abs(runtime.box(index).yaw)).toBeLessThan(0.4);
    expect(runtime.box(index).half[2]).toBe(CARTON.half[axis]);
    while (!room.success && room.steps < room.maxSteps) room.step(expert.act());
    expect([room.q(), room.success]).toEqual([1, true]);
  });

  it('takes both hands: one that opens drops the container, one alone lifts nothing', () => {
    room.reset(1_000_010);
    while (!bothHold()) room.step(expert.act());
    for (let i = 0; i < 20; i++) room.step(expert.act());
    const index = room.hands.left.held;
    const height = runtime.box(index).position[2];
    expect(height).toBeGreaterThan(CARTON.half[2] + 0.03);
    const action = room.lastAction;
    action[14] = 1; // the left gripper, and the left upper arm outwards
    action[8]! += 0.4;
    for (let i = 0; i < 30; i++) room.step(action);
    expect([room.hands.left.held, room.hands.right.held]).toEqual([-1, -1]);
    expect(runtime.box(index).position[2]).toBeLessThan(height - 0.02);
  });

  it('lets no hand hold a container where physics alone holds', async () => {
    const plain = await Household.create(movingBoxesToStorage, { grasp: 'friction', imageSize: 8 });
    const worker = createExpert(plain);
    plain.reset(1_000_010);
    for (let i = 0; i < 120; i++) {
      plain.step(worker.act());
      expect([plain.hands.left.held, plain.hands.right.held]).toEqual([-1, -1]);
    }
    worker.close();
    plain.close();
  });

  it('goes on from a snapshot to the bit with a container between the hands', () => {
    room.reset(1_000_011);
    while (!bothHold()) room.step(expert.act());
    const snapshot = room.snapshot();
    const play = () => {
      const track: number[] = [];
      for (let i = 0; i < 40; i++) {
        room.step(expert.act());
        track.push(...room.pose(), room.situation().stage);
      }
      return track;
    };
    const first = play();
    room.restore(snapshot);
    expect(bothHold()).toBe(true);
    expect(play()).toEqual(first);
  });

  it('is done differently by different people, some of whom misjudge a place, notice and mend it', () => {
    const scenes = Array.from({ length: 20 }, (_, i) => {
      room.reset(1_000_000 + i);
      return { speed: runtime.style.speed, wrong: runtime.save()[0] === 0, instance: room.instance };
    });
    expect(new Set(scenes.map(({ speed }) => speed)).size).toBe(20);
    const wrong = scenes.find((scene) => scene.wrong);
    expect(scenes.some((scene) => !scene.wrong)).toBe(true);
    room.reset(wrong?.instance ?? 0);
    let farthest = 0;
    while (!room.success && room.steps < room.maxSteps) {
      const { seenDestination: seen, destination } = runtime;
      farthest = Math.max(farthest, Math.hypot(seen[0] - destination[0], seen[1] - destination[1]));
      room.step(expert.act());
    }
    expect(farthest).toBeGreaterThan(0.06);
    expect([runtime.save(), room.success]).toEqual([[1], true]);
  });
});
