import { describe, expect, it } from 'vitest';
import { fakeObservation, wireObservation } from '../../test/support/serve.ts';
import { robotNamed } from '../robot/index.ts';
import { NumpyArray, NumpyScalar } from './numpy.ts';
import { readObservation } from './observation.ts';
import { packMessage } from './pack.ts';
import { unpackMessage } from './unpack.ts';
import { Extension, type Packable, type WireMap } from './value.ts';

const R1PRO = robotNamed('r1pro');
const HEAD = 'robot_r1::robot_r1:zed_link:Camera:0::rgb';
const STATE = 'robot_r1::proprio';
const original = fakeObservation({ length: 61, taskId: 7 });
/** The observation with other values, as it comes off the wire. */
const read = (change: { [key: string]: Packable }) =>
  readObservation(unpackMessage(packMessage({ ...wireObservation(original), ...change })) as WireMap, R1PRO);

const bytes = (text: string) => Buffer.from(text);
/** What other writers make of a float32 array. */
const forms: readonly (readonly [string, Packable, RegExp])[] = [
  [
    'msgpack-numpy',
    new Map<Uint8Array, Packable>([
      [bytes('nd'), true],
      [bytes('type'), '<f4'],
      [bytes('kind'), bytes('')],
      [bytes('shape'), [61]],
      [bytes('data'), new Uint8Array(244)],
    ]),
    /is an array as the package msgpack-numpy packs it .* Pack with openpi_client\.msgpack_numpy/,
  ],
  [
    'a tensor',
    { __torch__: true, data: new Uint8Array(244), dtype: 'torch.float32', shape: [61] },
    /is a PyTorch tensor .* Send tensor\.cpu\(\)\.numpy\(\)/,
  ],
  [
    'a tensor with byte keys',
    new Map<Uint8Array, Packable>([
      [bytes('__torch__'), true],
      [bytes('data'), new Uint8Array(244)],
    ]),
    /is a PyTorch tensor/,
  ],
  ['text keys', { __ndarray__: true, data: new Uint8Array(4), dtype: '<f4', shape: [1] }, /text key __ndarray__/],
  ['another map', { values: [1, 2], unit: 'rad' }, /is a map with the keys values, unit/],
  ['bytes', new Uint8Array(244), /is 244 bytes without type and shape/],
  ['an extension', new Extension(42, new Uint8Array(8)), /is a msgpack extension of type 42/],
  ['text', 'AAAA', /is text of 4 characters/],
  ['one number', 3.5, /is one number/],
  ['nothing', null, /is nothing/],
];

describe("other clients' encodings", () => {
  it.each(forms)('%s: one error that names what came and what is expected', (_, value, what) => {
    for (const key of [STATE, HEAD]) {
      const refused = () => read({ [key]: value });
      expect(refused).toThrow(what);
      expect(refused).toThrow(/expected a numpy array as openpi-client packs it/);
      expect(refused).toThrow(new RegExp(`"${key}"`));
    }
  });

  it('plain lists of numbers are taken for proprioception and task', () => {
    const state = [...original.proprioception];
    for (const task of [[7], [[7]], [new NumpyScalar('<i8', 7)]] as Packable[])
      expect(read({ [STATE]: state, task_id: task }).observations).toEqual([original]);
    const whole = read({ [STATE]: new Array(61).fill(1) });
    expect(whole.observations[0].proprioception).toEqual(new Float32Array(61).fill(1));
    // A row for each robot.
    const cameras = Object.entries(wireObservation(original)).filter(([, value]) => value instanceof NumpyArray);
    const two = Object.fromEntries(
      cameras.map(([key, value]) => {
        const { dtype, shape, bytes: data } = value as NumpyArray;
        return [key, new NumpyArray(dtype, [2, ...shape], Buffer.concat([data, data]))];
      }),
    );
    const rows = read({ ...two, [STATE]: [state, state.map((x) => x + 1)], task_id: [[3], [4]] });
    expect([rows.batched, rows.observations.map(({ taskId }) => taskId)]).toEqual([true, [3, 4]]);
    expect(rows.observations[0].proprioception).toEqual(original.proprioception);
  });

  it('lists of something else are not', () => {
    expect(() => read({ [STATE]: ['a', 'b'] })).toThrow(/is a list of 2 values/);
    expect(() => read({ [STATE]: [] })).toThrow(/is a list of 0 values/);
    expect(() => read({ [STATE]: [[1, 2], [1]] })).toThrow(/is a list of 2 values/);
    expect(() => read({ [STATE]: [1, 2, 3] })).toThrow(/is <f4 \[3\] \(expected float32 \[256\] or \[61\]/);
    expect(() => read({ [STATE]: new Array(61).fill(Number.NaN) })).toThrow(/not finite/);
    expect(() => read({ task_id: [1, 2] })).toThrow(/"task_id" is a list of 2 \(expected one integer\)/);
    expect(() => read({ task_id: [1.5] })).toThrow(/"task_id" is no integer/);
    expect(() => read({ [HEAD]: [[[0, 0, 0]]] })).toThrow(/is a list of 1 values/);
  });

  it('keys of other robots are named with the one that is expected', () => {
    const openpi = { 'observation/state': [1, 2], 'observation/image': NumpyArray.of(new Uint8Array(12), [2, 2, 3]) };
    const message = unpackMessage(packMessage({ ...openpi, prompt: 'turn on the radio' })) as WireMap;
    expect(() => readObservation(message, R1PRO)).toThrow(
      /no key for proprioception \(expected one like "robot_r1::proprio"; .*"observation\/state"/,
    );
  });
});
