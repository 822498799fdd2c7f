import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../base/index.ts';
import { CHALLENGE_ROBOT, proprioceptionField, stateOf } from '../../robot/index.ts';
import { createExpert, type Expert } from '../expert/createExpert.ts';
import { openHousehold } from '../tasks/openHousehold.ts';
import { CANS, type TrashRuntime } from '../tasks/pickingUpTrash/runtime.ts';
import type { RadioRuntime } from '../tasks/turningOnRadio/runtime.ts';
import type { Household } from './household.ts';
import { ROOM } from './scenery.ts';
import { TASK_INFO_KEYS } from './taskInfo.ts';

let trash: Household;
let radio: Household;
let expert: Expert;

beforeAll(async () => {
  trash = await openHousehold('picking_up_trash', { imageSize: 32 });
  radio = await openHousehold('turning_on_radio', { imageSize: 32 });
  expert = createExpert(trash);
});
afterAll(() => {
  expert.close();
  trash.close();
  radio.close();
});

/** The action that stays where the robot is. */
const hold = (household: Household, changes: Record<number, number> = {}) => {
  const action = household.lastAction;
  for (const [column, value] of Object.entries(changes)) action[Number(column)] = value;
  return action;
};

function run(household: Household, steps: number, changes: Record<number, number> = {}) {
  for (let i = 0; i < steps; i++) household.step(hold(household, changes));
}

describe('controllers', () => {
  it('drives in the frame that the robot has at the moment, at 0.75 m/s for 1 and no faster', () => {
    for (const command of [1, 7]) {
      radio.reset(0);
      radio.setBase(-2, 0, Math.PI / 2);
      run(radio, 30, { 0: command });
      const [x, y, yaw] = radio.base;
      expect(x).toBeCloseTo(-2, 2);
      expect(y).toBeGreaterThan(0.67); // its motors need 0.15 s to reach the speed
      expect(y).toBeLessThan(0.75);
      const velocity = proprioceptionField(
        CHALLENGE_ROBOT,
        radio.observe({ cameras: false }).proprioception,
        'base_qvel',
      );
      expect(velocity[0]).toBeCloseTo(0.75, 2);
      expect(yaw).toBeCloseTo(Math.PI / 2, 2);
    }
    // Ahead and turning is a circle of radius v / w, not a straight line.
    radio.reset(0);
    radio.setBase(-2, 0, 0);
    run(radio, 30, { 0: 0.4, 2: 1 });
    expect(radio.base[2]).toBeCloseTo(1, 1);
    expect(radio.base[0] + 2).toBeCloseTo(0.3 * Math.sin(1), 1);
    expect(radio.base[1]).toBeCloseTo(0.3 * (1 - Math.cos(1)), 1);
  });

  it('moves torso and arms to absolute positions', () => {
    radio.reset(0);
    radio.setBase(-2, 0, 0);
    run(radio, 60, { 3: 0.8, 7: 0.6, 18: -1.5 });
    const state = stateOf(CHALLENGE_ROBOT, radio.observe({ cameras: false }).proprioception);
    expect(state[3]).toBeCloseTo(0.8, 1);
    expect(state[7]).toBeCloseTo(0.6, 1);
    expect(state[18]).toBeCloseTo(-1.5, 1);
  });

  it('closes a gripper fully only on nothing', () => {
    radio.reset(0);
    expect(stateOf(CHALLENGE_ROBOT, radio.observe({ cameras: false }).proprioception)[22]).toBeCloseTo(1, 1);
    run(radio, 40, { 14: 0, 22: -1 });
    const state = stateOf(CHALLENGE_ROBOT, radio.observe({ cameras: false }).proprioception);
    expect(state[22]).toBeLessThan(-0.98);
    expect(state[14]).toBeCloseTo(0, 1);
  });
});

describe('proprioception', () => {
  it('has the base velocity in the robot frame and the world pose where it belongs', () => {
    radio.reset(0);
    radio.setBase(-2, 0, -Math.PI / 2);
    run(radio, 10, { 0: 0.4, 1: 0.2 });
    const { proprioception } = radio.observe({ cameras: false });
    expect(proprioception).toHaveLength(256);
    const [forward, sideways, turning] = proprioceptionField(CHALLENGE_ROBOT, proprioception, 'base_qvel');
    expect(forward).toBeCloseTo(0.3, 2);
    expect(sideways).toBeCloseTo(0.15, 2);
    expect(turning).toBeCloseTo(0, 2);
    expect(proprioceptionField(CHALLENGE_ROBOT, proprioception, 'robot_2d_ori')[0]).toBeCloseTo(-Math.PI / 2, 2);
    expect(proprioceptionField(CHALLENGE_ROBOT, proprioception, 'robot_pos')[0]).toBeCloseTo(radio.base[0], 5);
  });

  it('sees the hand from the base', () => {
    radio.reset(0);
    const { proprioception } = radio.observe({ cameras: false });
    const expected = radio.inBase(radio.hands.right.tip);
    const [x, y, z] = proprioceptionField(CHALLENGE_ROBOT, proprioception, 'eef_right_pos');
    expect(x).toBeCloseTo(expected[0], 5);
    expect(y).toBeCloseTo(expected[1], 5);
    expect(z).toBeCloseTo(expected[2] - 0.02, 5); // the base body's origin is 2 cm above the floor
    expect(Math.hypot(...proprioceptionField(CHALLENGE_ROBOT, proprioception, 'eef_right_quat'))).toBeCloseTo(1, 5);
    const head = radio.cameraPoses().subarray(14, 17);
    expect(head[2]).toBeGreaterThan(1);
    expect(Math.abs(head[1]!)).toBeLessThan(1e-3);
  });

  it('comes with three pictures that change when the robot moves', () => {
    trash.reset(3);
    const first = trash.observe();
    run(trash, 20, { 0: 0.5 });
    const second = trash.observe();
    for (const camera of CHALLENGE_ROBOT.cameraNames) {
      expect(first.pictures[camera]).toMatchObject({ width: 32, height: 32, channels: 3 });
      expect(first.pictures[camera]!.data).toHaveLength(32 * 32 * 3);
      expect(second.pictures[camera]!.data).not.toEqual(first.pictures[camera]!.data);
    }
    expect(first.taskId).toBe(1);
  });
});

describe('the room', () => {
  it('has a wall on every side, which stops the robot', () => {
    for (const yaw of [0, Math.PI / 2, Math.PI, -Math.PI / 2]) {
      trash.reset(2);
      const away = yaw === 0 ? -2 : 0; // the bin stands in the way along +x
      trash.setBase(-1.5, away, yaw);
      run(trash, 240, { 0: 1 });
      const [x, y] = trash.base;
      expect(Math.max(x - ROOM.x[1], ROOM.x[0] - x, Math.abs(y) - ROOM.y[1]), `yaw ${yaw}`).toBeLessThan(-0.15);
      expect(Math.max(x - ROOM.x[1], ROOM.x[0] - x, Math.abs(y) - ROOM.y[1]), `yaw ${yaw}`).toBeGreaterThan(-0.6);
    }
  });

  it('shows no sky between its walls, wherever the robot looks', () => {
    trash.reset(2);
    for (let i = 0; i < 8; i++) {
      trash.setBase(-1.5, 0, (i * Math.PI) / 4);
      trash.physics.poses();
      const { data } = trash.picture('head', 32);
      const sky = Array.from({ length: data.length / 3 }, (_, p) => data.slice(3 * p, 3 * p + 3).join());
      expect(sky.slice(10 * 32)).not.toContain('168,198,226');
    }
  });

  it('has furniture that follows from the instance', () => {
    const furniture = (instance: number) => {
      radio.reset(instance);
      const { bodies, geoms } = radio.sceneDescription();
      return ['sofa', 'plant', 'shelf', 'lamp', 'sideboard', 'window', 'picture'].map((name) => {
        const body = bodies.findIndex((candidate) => candidate.name === name);
        const { position, quaternion } = bodies[body]!;
        return [name, ...position, ...quaternion, ...geoms.filter((geom) => geom.body === body).map((g) => g.colour)];
      });
    };
    const scenes = Array.from({ length: 20 }, (_, i) => JSON.stringify(furniture(i)));
    expect(new Set(scenes).size).toBe(20);
    expect(JSON.stringify(furniture(3))).toBe(scenes[3]);
    const shown = scenes.map((scene) => (JSON.parse(scene) as unknown[][]).map((piece) => (piece[8] as number[])[3]));
    for (const k of [0, 1, 2, 3, 4]) expect(new Set(shown.map((piece) => piece[k]))).toEqual(new Set([0, 1]));
  });

  it('has a radio that looks on when it is on, and off again after going back', () => {
    radio.reset(4);
    const { runtime } = radio as unknown as { runtime: RadioRuntime };
    const [x, y] = [runtime.buttonTop[0] - 0.55, runtime.buttonTop[1]];
    radio.setBase(x, y, 0);
    radio.physics.poses();
    const green = () => {
      const { data } = radio.picture('head', 128);
      let count = 0;
      for (let i = 0; i < data.length; i += 3) if (data[i + 1]! > 180 && data[i]! < 0.6 * data[i + 1]!) count++;
      return count;
    };
    const before = radio.snapshot();
    const off = green();
    runtime.on = true;
    expect(green()).toBeGreaterThan(off + 5);
    const lit = radio.snapshot();
    radio.restore(before);
    expect(green()).toBe(off);
    radio.restore(lit);
    expect(green()).toBeGreaterThan(off + 5);
    radio.reset(4);
    expect(runtime.on).toBe(false);
  });
});

describe('episodes', () => {
  it('follow from task and instance, and differ between instances', () => {
    const scene = (instance: number) => {
      trash.reset(instance);
      run(trash, 5, { 0: 0.3 });
      return [...trash.pose(), ...trash.observe().pictures.head!.data];
    };
    const first = scene(5);
    const other = scene(6);
    expect(scene(5)).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('go on from a snapshot to the bit, with a can in the hand too', () => {
    trash.reset(1_000_002);
    while (trash.hands.right.held < 0) trash.step(expert.act());
    const snapshot = trash.snapshot();
    const play = () => {
      const track: number[] = [];
      for (let i = 0; i < 40; i++) {
        trash.step(expert.act());
        track.push(...trash.pose());
      }
      return { track, q: trash.q(), distances: trash.distances(), steps: trash.steps };
    };
    const first = play();
    trash.restore(snapshot);
    expect(trash.hands.right.held).toBe(snapshot.held.right);
    expect(play()).toEqual(first);
    trash.reset(7);
    expect(() => trash.restore(snapshot)).toThrow(/does not fit/);
  });

  it('become invalid by an action that is not finite, which the engine never sees', () => {
    trash.reset(1);
    const action = hold(trash, { 8: Number.NaN });
    const before = trash.pose();
    expect(trash.step(action)).toMatchObject({ done: true, success: false, invalid: 'action[8] is NaN' });
    expect(trash.pose()).toEqual(before);
    expect(trash.step(hold(trash))).toMatchObject({ done: true, invalid: 'action[8] is NaN' });
    expect(() => trash.step([1, 2])).toThrow(InputError);
    trash.reset(1);
    expect(trash.step(hold(trash)).invalid).toBeUndefined();
  });

  it('end by time-out without success', () => {
    radio.reset(2);
    let result = radio.step(hold(radio));
    while (!result.done) result = radio.step(hold(radio));
    expect(result.success).toBe(false);
    expect(radio.steps).toBe(radio.maxSteps);
    expect(radio.q()).toBe(0);
    expect(radio.distances().base).toBeLessThan(0.01);
  });

  it('give partial credit for cans in the bin, none for one that lay there at the start', () => {
    const runtime = trash.runtime as TrashRuntime;
    trash.reset(4);
    const [x, y] = runtime.binPosition;
    trash.placeFree(CANS[0], [x, y, 0.09], [1, 0, 0, 0]);
    run(trash, 3);
    expect(trash.goal().literals.map(({ value }) => value)).toEqual([true, false, false]);
    expect(trash.q()).toBeCloseTo(1 / 3, 12);
    expect(trash.success).toBe(false);
    trash.placeFree(CANS[0], [x, y, 0.6], [1, 0, 0, 0]);
    trash.physics.poses();
    expect(trash.q()).toBe(0);
    expect(runtime.can(0)).toMatchObject({ inside: false, delivered: true });
  });

  it('tell privileged positions that agree with each other', () => {
    trash.reset(8);
    run(trash, 10, { 0: 0.5, 2: 0.3 });
    const info = trash.taskInfo();
    expect(info).toHaveLength(TASK_INFO_KEYS.length);
    const hand = trash.inBase(trash.hands.right.tip);
    for (let k = 0; k < 3; k++) {
      expect(info[k]! - info[6 + k]!).toBeCloseTo(hand[k]!, 5);
      expect(info[3 + k]! - info[9 + k]!).toBeCloseTo(hand[k]!, 5);
    }
    const scene = trash.sceneDescription();
    expect(trash.pose()).toHaveLength(7 * scene.moving.length);
    expect(scene.moving.map((body) => scene.bodies[body]!.name)).toEqual(expect.arrayContaining([...CANS, 'base']));
  });

  it('are refused for unknown tasks, sizes and instances', async () => {
    await expect(openHousehold('turning_on_radoi')).rejects.toThrow(/Did you mean turning_on_radio/);
    await expect(openHousehold('turning_on_radio', { imageSize: 3 })).rejects.toThrow(InputError);
    expect(() => radio.reset(20_000)).toThrow(InputError);
  });
});
