import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { fakeObservation, goldenBytes, picture } from '../../test/support/serve.ts';
import { CHALLENGE_ROBOT } from '../robot/index.ts';
import { actionFromWire, decodeJpegs, observationFromWire, observationToWire } from './observation.ts';
import { packMessage } from './pack.ts';
import { unpackMessage } from './unpack.ts';
import { NumpyArray, NumpyScalar, type Packable, type WireMap } from './value.ts';

/** The message as it comes off the wire. */
function onWire(message: { [key: string]: Packable }): WireMap {
  return unpackMessage(packMessage(message)) as WireMap;
}
function changed(change: { [key: string]: Packable | undefined }): WireMap {
  const all = { ...observationToWire(fakeObservation()), ...change };
  return onWire(Object.fromEntries(Object.entries(all).filter((e): e is [string, Packable] => e[1] !== undefined)));
}
const HEAD = 'robot_r1::robot_r1:zed_link:Camera:0::rgb';

describe('observations on the wire', () => {
  it('come back as they were sent, for both proprioception layouts and any robot', () => {
    for (const length of [256, 61] as const)
      for (const robot of ['robot_r1', 'other']) {
        const original = fakeObservation({ length, taskId: 7 });
        const { observation, batched, chunkSize } = observationFromWire(onWire(observationToWire(original, robot)));
        expect(observation).toEqual(original);
        expect([batched, chunkSize]).toEqual([false, 1]);
      }
  });

  it("reads the official client's own messages", () => {
    const file = (name: string) => unpackMessage(goldenBytes({ file: `messages/${name}.bin`, gzip: false }));
    const small = observationFromWire(file('observation_16px'));
    expect(small.observation.proprioception).toHaveLength(256);
    expect(small.observation.taskId).toBe(7);
    for (const camera of CHALLENGE_ROBOT.cameraNames)
      expect(small.observation.pictures[camera]).toMatchObject({ width: 16, height: 16, channels: 4 });
    const batched = observationFromWire(file('observation_2026_batch1'));
    expect(batched.observation.proprioception).toHaveLength(61);
    expect(batched.batched).toBe(true);
    expect(batched.chunkSize).toBeGreaterThan(1);
    expect(observationFromWire(file('observation_need_new_action')).batched).toBe(false);
    expect(() => observationFromWire(file('observation_2026_batch3'))).toThrow(/leading axis of 1/);
  });

  it('takes pictures of any size, RGB or RGBA, without copying them', () => {
    const tall = { width: 5, height: 9, channels: 4 as const, data: Uint8Array.from({ length: 180 }, (_, i) => i) };
    const message = changed({ [HEAD]: NumpyArray.of(tall.data, [9, 5, 4]) });
    const { head } = observationFromWire(message).observation.pictures;
    expect(head).toEqual(tall);
    expect(head.data.buffer).toBe((message.get(HEAD) as NumpyArray).bytes.buffer);
  });

  it('reads the task id in every form, and no task as -1', () => {
    const task = (task_id: Packable | undefined) => observationFromWire(changed({ task_id })).observation.taskId;
    expect(task(3)).toBe(3);
    expect(task(new NumpyScalar('<i8', 3))).toBe(3);
    expect(task(new NumpyArray('<i4', [], Int32Array.of(3) && new Uint8Array(Int32Array.of(3).buffer)))).toBe(3);
    expect(task(undefined)).toBe(-1);
    expect(() => task('three')).toThrow(/"task_id" is no integer/);
    expect(() => task(Float32Array.of(3))).toThrow(/"task_id" is <f4/);
  });

  it('names the missing key and the nearest present', () => {
    expect(() =>
      observationFromWire(changed({ [HEAD]: undefined, 'robot_r1::robot_r1:zed_link:Camera:0::rbg': 1 })),
    ).toThrow(/no key for zed_link .*nearest present is "robot_r1::robot_r1:zed_link:Camera:0::rbg"/);
    expect(() => observationFromWire(changed({ 'robot_r1::proprio': undefined, 'robot_r1::propio': 1 }))).toThrow(
      /no key for proprioception .*"robot_r1::propio"/,
    );
    expect(() => observationFromWire(new Map())).toThrow(/no text keys/);
    expect(() => observationFromWire(changed({ 'two::proprio': Float32Array.of(1) }))).toThrow(
      /one connection is one robot/,
    );
    expect(() => observationFromWire(3)).toThrow(/no map/);
  });

  it('refuses wrong shapes, wrong types and numbers that are not finite', () => {
    const proprio = new Float32Array(256);
    proprio[200] = Number.NaN;
    expect(() => observationFromWire(changed({ 'robot_r1::proprio': proprio }))).toThrow(
      /not finite \(number 200 is NaN\)/,
    );
    expect(() => observationFromWire(changed({ 'robot_r1::proprio': new Float32Array(255) }))).toThrow(
      /expected float32 \[256\] or \[61\]/,
    );
    expect(() => observationFromWire(changed({ 'robot_r1::proprio': 'x' }))).toThrow(/no numpy array/);
    expect(() => observationFromWire(changed({ [HEAD]: NumpyArray.of(new Uint8Array(8), [2, 2, 2]) }))).toThrow(
      /expected uint8/,
    );
    expect(() => observationFromWire(changed({ [HEAD]: NumpyArray.of(new Float32Array(12), [2, 2, 3]) }))).toThrow(
      /expected uint8/,
    );
    expect(() => observationFromWire(changed({ [HEAD]: NumpyArray.of(new Uint8Array(0), [0, 2, 3]) }))).toThrow(
      /expected uint8/,
    );
  });

  it('takes JPEG files in place of pictures', async () => {
    const { data } = picture(90, 16);
    const jpeg = await sharp(data, { raw: { width: 16, height: 16, channels: 3 } })
      .jpeg({ quality: 95 })
      .toBuffer();
    const message = changed({ [HEAD]: NumpyArray.of(new Uint8Array(jpeg)) });
    const { head } = observationFromWire(await decodeJpegs(message)).observation.pictures;
    expect(head).toMatchObject({ width: 16, height: 16, channels: 3 });
    for (const byte of head.data) expect(Math.abs(byte - 90)).toBeLessThanOrEqual(2);
    const broken = changed({ [HEAD]: NumpyArray.of(new Uint8Array(jpeg.subarray(0, 40))) });
    await expect(decodeJpegs(broken)).rejects.toThrow(/begins like a JPEG/);
    const plain = changed({});
    expect(await decodeJpegs(plain)).toBe(plain);
  });
});

describe('actions on the wire', () => {
  it('are 23 finite floats', () => {
    const action = (value: Packable) => actionFromWire(onWire({ action: value }));
    expect(action(new Float32Array(23).fill(0.5))).toEqual(new Float32Array(23).fill(0.5));
    expect(action(new Float64Array(23).fill(0.25))).toEqual(new Float32Array(23).fill(0.25));
    expect(() => action(new Float32Array(22))).toThrow(/expected 23 floats/);
    expect(() => action(new Float32Array(23).fill(Number.POSITIVE_INFINITY))).toThrow(/not finite/);
    expect(() => actionFromWire(onWire({}))).toThrow(/no array named "action"/);
  });
});
