import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { fakeObservation, goldenBytes, picture, wireObservation } from '../../test/support/serve.ts';
import { decodePictures, isEncoded } from '../picture/index.ts';
import { fakeObservation as fake, ROBOTS, robotNamed, stateOf } from '../robot/index.ts';
import { actionsAsked } from './extras.ts';
import { NumpyArray, NumpyScalar } from './numpy.ts';
import { readObservation, writeObservation } from './observation.ts';
import { packMessage } from './pack.ts';
import { actionFromWire } from './reply.ts';
import { unpackMessage } from './unpack.ts';
import type { Packable, WireMap, WireValue } from './value.ts';

const R1PRO = robotNamed('r1pro');
const read = (message: WireValue) => readObservation(message, R1PRO);

/** The message as it comes off the wire. */
function onWire(message: { [key: string]: Packable }): WireMap {
  return unpackMessage(packMessage(message)) as WireMap;
}
function changed(change: { [key: string]: Packable | undefined }): WireMap {
  const all = { ...wireObservation(fakeObservation()), ...change };
  return onWire(Object.fromEntries(Object.entries(all).filter((e): e is [string, Packable] => e[1] !== undefined)));
}
const HEAD = 'robot_r1::robot_r1:zed_link:Camera:0::rgb';

describe('observations on the wire', () => {
  it('come back as they were sent, for both proprioception layouts and by any name', () => {
    for (const length of [256, 61] as const)
      for (const robot of ['robot_r1', 'other']) {
        const original = fakeObservation({ length, taskId: 7 });
        const { observations, batched, asked } = read(onWire(wireObservation(original, robot)));
        expect(observations).toEqual([original]);
        expect([batched, asked.size]).toEqual([false, 0]);
      }
  });

  it("reads the official client's own messages", () => {
    const file = (name: string) => unpackMessage(goldenBytes({ file: `messages/${name}.bin`, gzip: false }));
    const small = read(file('observation_16px'));
    expect(small.observations[0].proprioception).toHaveLength(256);
    expect(small.observations[0].taskId).toBe(7);
    for (const camera of R1PRO.cameraNames)
      expect(small.observations[0].pictures[camera]).toMatchObject({ width: 16, height: 16, channels: 4 });
    const batched = read(file('observation_2026_batch1'));
    expect(batched.observations[0].proprioception).toHaveLength(61);
    expect(batched.batched).toBe(true);
    expect(actionsAsked(batched.asked)).toBeGreaterThan(1);
    expect(read(file('observation_need_new_action')).batched).toBe(false);
    const three = read(file('observation_2026_batch3'));
    expect([three.batched, three.observations.length, actionsAsked(three.asked)]).toEqual([true, 3, 4]);
    expect(three.observations.map(({ taskId }) => taskId)).toEqual([7, 7, 7]);
  });

  it('takes pictures of any size, RGB or RGBA, without copying them', () => {
    const tall = { width: 5, height: 9, channels: 4 as const, data: Uint8Array.from({ length: 180 }, (_, i) => i) };
    const message = changed({ [HEAD]: NumpyArray.of(tall.data, [9, 5, 4]) });
    const { head } = read(message).observations[0].pictures;
    expect(head).toEqual(tall);
    expect(head!.data.buffer).toBe((message.get(HEAD) as NumpyArray).bytes.buffer);
  });

  it('reads the task id in every form, and no task as -1', () => {
    const task = (task_id: Packable | undefined) => read(changed({ task_id })).observations[0].taskId;
    expect(task(3)).toBe(3);
    expect(task(new NumpyScalar('<i8', 3))).toBe(3);
    expect(task(new NumpyArray('<i4', [], Int32Array.of(3) && new Uint8Array(Int32Array.of(3).buffer)))).toBe(3);
    expect(task(undefined)).toBe(-1);
    expect(() => task('three')).toThrow(/"task_id" is no integer/);
    expect(() => task(Float32Array.of(3))).toThrow(/"task_id" is <f4/);
  });

  it('names the missing key and the nearest present', () => {
    expect(() => read(changed({ [HEAD]: undefined, 'robot_r1::robot_r1:zed_link:Camera:0::rbg': 1 }))).toThrow(
      /no key for camera head .*nearest present is "robot_r1::robot_r1:zed_link:Camera:0::rbg"/,
    );
    expect(() => read(changed({ 'robot_r1::proprio': undefined, 'robot_r1::propio': 1 }))).toThrow(
      /no key for proprioception .*"robot_r1::propio"/,
    );
    expect(() => read(new Map())).toThrow(/no text keys/);
    expect(() => read(changed({ 'two::proprio': Float32Array.of(1) }))).toThrow(/one connection is one robot/);
    expect(() => read(3)).toThrow(/no map/);
  });

  it('refuses wrong shapes, wrong types and numbers that are not finite', () => {
    const proprio = new Float32Array(256);
    const zero = stateOf(R1PRO, proprio);
    proprio[200] = Number.NaN;
    expect(() => read(changed({ 'robot_r1::proprio': proprio }))).toThrow(/not finite \(number 200 is NaN\)/);
    // A number that the state is not made of may be anything.
    const one = (place: number) => stateOf(R1PRO, new Float32Array(256).fill(1, place, place + 1));
    const idle = Array.from({ length: 256 }, (_, place) => place).filter((place) =>
      one(place).every((x, i) => x === zero[i]),
    );
    expect(idle.length).toBeGreaterThan(100);
    for (const place of idle) {
      const odd = new Float32Array(256).fill(Number.NaN, place, place + 1);
      expect(read(changed({ 'robot_r1::proprio': odd })).observations).toHaveLength(1);
    }
    expect(() => read(changed({ 'robot_r1::proprio': new Float32Array(255) }))).toThrow(
      /expected float32 \[256\] or \[61\]/,
    );
    expect(() => read(changed({ 'robot_r1::proprio': 'x' }))).toThrow(/is text of 1 characters/);
    expect(() => read(changed({ [HEAD]: NumpyArray.of(new Uint8Array(8), [2, 2, 2]) }))).toThrow(/expected uint8/);
    expect(() => read(changed({ [HEAD]: NumpyArray.of(new Float32Array(12), [2, 2, 3]) }))).toThrow(/expected uint8/);
    expect(() => read(changed({ [HEAD]: NumpyArray.of(new Uint8Array(0), [0, 2, 3]) }))).toThrow(/expected uint8/);
  });

  it('takes JPEG files in place of pictures', async () => {
    const { data } = picture(90, 16);
    const jpeg = await sharp(data, { raw: { width: 16, height: 16, channels: 3 } })
      .jpeg({ quality: 95 })
      .toBuffer();
    const message = changed({ [HEAD]: NumpyArray.of(new Uint8Array(jpeg)) });
    const { pictures } = read(message).observations[0];
    expect(R1PRO.cameraNames.filter((camera) => isEncoded(pictures[camera]!))).toEqual(['head']);
    const { head } = await decodePictures(pictures);
    expect(head).toMatchObject({ width: 16, height: 16, channels: 3 });
    for (const byte of head!.data) expect(Math.abs(byte - 90)).toBeLessThanOrEqual(2);
  });

  it.each(ROBOTS.map((robot) => [robot.name, robot] as const))(
    'are those of %s, whatever its layouts',
    (_name, robot) => {
      for (const { length } of robot.proprioception.layouts) {
        const original = fake(robot, { length, imageSize: 6, taskId: 2 });
        expect(readObservation(onWire(writeObservation(original, robot)), robot).observations).toEqual([original]);
      }
      const lengths = robot.proprioception.layouts.map((layout) => `[${layout.length}]`).join(' or ');
      const wrong = { ...fake(robot), proprioception: new Float32Array(5) };
      expect(() => readObservation(onWire(writeObservation(wrong, robot)), robot)).toThrow(
        `is <f4 [5] (expected float32 ${lengths} of robot ${robot.name}, with at most a leading axis of the robots`,
      );
      expect(() => writeObservation({ ...wrong, pictures: {} }, robot)).toThrow(/the picture of camera \w+ is missing/);
    },
  );

  it('refuses numbers that no robot measures', () => {
    const proprio = new Float32Array(61).fill(1e31, 7);
    expect(() => read(changed({ 'robot_r1::proprio': proprio }))).toThrow(/out of range.*number 7 is/);
  });
});

describe('actions on the wire', () => {
  it("are as many finite floats as the robot's actions have", () => {
    const action = (value: Packable) => actionFromWire(onWire({ action: value }), R1PRO);
    expect(action(new Float32Array(23).fill(0.5))).toEqual(new Float32Array(23).fill(0.5));
    expect(action(new Float64Array(23).fill(0.25))).toEqual(new Float32Array(23).fill(0.25));
    expect(() => action(new Float32Array(22))).toThrow(/expected 23 floats, an action of robot r1pro/);
    expect(actionFromWire(onWire({ action: new Float32Array(7) }), robotNamed('single-arm'))).toHaveLength(7);
    expect(() => action(new Float32Array(23).fill(Number.POSITIVE_INFINITY))).toThrow(/not finite/);
    expect(() => actionFromWire(onWire({}), R1PRO)).toThrow(/no array named "action"/);
  });
});
