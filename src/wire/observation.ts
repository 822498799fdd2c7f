import { InputError } from '../base/index.ts';
import { encodedJpeg, isJpeg, LARGEST_SIDE } from '../picture/index.ts';
import type { Observation, Picture, Robot } from '../robot/index.ts';
import { type Asked, EXTRAS, readExtras, type WireExtra } from './extras.ts';
import { NumpyArray, NumpyScalar } from './numpy.ts';
import { addressesOf, findKey } from './observationKeys.ts';
import type { Packable, WireMap, WireValue } from './value.ts';

/**
 * A number beyond this is none that a robot measures, and could overflow float32 where the state is computed from it.
 */
const LARGEST_NUMBER = 1e30;

/** One message of a client, read. */
export interface ObservationMessage {
  readonly observation: Observation;
  /** The arrays carried a leading axis of 1, and so must the reply. */
  readonly batched: boolean;
  /** What the client asked for besides an action. */
  readonly asked: Asked;
}

/**
 * An observation as the official evaluator writes it, under the robot's own keys: proprioception float32 [length],
 * pictures uint8 [H, W, 3 or 4], `task_id` int64 [1]. @throws InputError when a camera's picture is missing
 */
export function writeObservation(observation: Observation, robot: Robot): { [key: string]: Packable } {
  const message: { [key: string]: Packable } = {
    [robot.proprioception.key]: NumpyArray.of(observation.proprioception),
  };
  for (const { name, key } of robot.cameras) {
    const picture = observation.pictures[name];
    if (!picture) throw new InputError('observation', `the picture of camera ${name} is missing.`);
    message[key] = NumpyArray.of(picture.data, [picture.height, picture.width, picture.channels]);
  }
  message['task_id'] = NumpyArray.of(BigInt64Array.of(BigInt(observation.taskId)));
  return message;
}

/**
 * Reads an observation of the robot, with or without a leading batch axis of 1. Pictures are views of the message; one
 * that is a JPEG file stays one (`isEncoded` of picture/). Keys that neither the robot nor an extra names (depth,
 * segmentation, camera poses, `need_new_action`) are ignored. This is the door at which numbers are checked for being
 * finite.
 * @throws InputError that names the missing key and the nearest one present, a wrong shape, or a number that is not
 * finite
 */
export function readObservation(
  message: WireValue,
  robot: Robot,
  extras: readonly WireExtra[] = EXTRAS,
): ObservationMessage {
  if (!(message instanceof Map)) throw new InputError('observation', 'the message is no map of named values.');
  const keys = [...message.keys()].filter((key) => typeof key === 'string');
  const addresses = addressesOf(robot);
  const { values: proprioception, batched } = readProprioception(
    message,
    findKey(keys, addresses.proprioception),
    robot,
  );
  const pictures: Record<string, Picture> = {};
  for (const address of addresses.cameras) {
    const key = findKey(keys, address);
    pictures[address.camera] = readPicture(key, message.get(key), batched);
  }
  return {
    observation: { proprioception, pictures, taskId: readTask(message.get('task_id')) },
    batched,
    asked: readExtras(message, extras),
  };
}

function array(key: string, value: WireValue | undefined): NumpyArray {
  if (value instanceof NumpyArray) return value;
  throw new InputError('observation', `"${key.slice(0, 80)}" is no numpy array.`);
}

function readProprioception(message: WireMap, key: string, robot: Robot): { values: Float32Array; batched: boolean } {
  const value = array(key, message.get(key));
  const { shape, dtype } = value;
  const lengths = robot.proprioception.layouts.map((layout) => layout.length);
  const batched = shape.length === 2;
  const fits = shape.length === 1 || (batched && shape[0] === 1);
  if (!fits || !lengths.includes(shape.at(-1) ?? 0) || dtype.charAt(1) !== 'f')
    throw new InputError(
      'observation',
      `"${key.slice(0, 80)}" is ${dtype} [${shape}] (expected float32 [${lengths.join('] or [')}] of robot ` +
        `${robot.name}, with at most a leading axis of 1).`,
    );
  const values = value.float32();
  const bad = values.findIndex((number) => !(Math.abs(number) <= LARGEST_NUMBER));
  if (bad >= 0) {
    const number = values[bad] ?? Number.NaN;
    const what = Number.isFinite(number) ? `out of range (up to ${LARGEST_NUMBER} either way)` : 'not finite';
    throw new InputError('observation', `"${key.slice(0, 80)}" is ${what} (number ${bad} is ${number}).`);
  }
  return { values, batched };
}

function readPicture(key: string, value: WireValue | undefined, batched: boolean): Picture {
  if (isJpegFile(value)) return encodedJpeg(value.bytes);
  const { dtype, shape, bytes } = array(key, value);
  const [height = 0, width = 0, channels = 0] = shape.slice(batched && shape.length === 4 ? 1 : 0);
  const fits = shape.length === 3 || (batched && shape.length === 4 && shape[0] === 1);
  const sized = height >= 1 && width >= 1 && height <= LARGEST_SIDE && width <= LARGEST_SIDE;
  if (dtype !== '|u1' || !fits || !sized || (channels !== 3 && channels !== 4))
    throw new InputError(
      'observation',
      `"${key.slice(0, 80)}" is ${dtype} [${shape}] ` +
        `(expected uint8 [height, width, 3 or 4], 1…${LARGEST_SIDE} pixels a side).`,
    );
  return { width, height, channels, data: bytes };
}

/** One-dimensional uint8 that begins like a JPEG file, with or without a leading axis of 1. */
function isJpegFile(value: WireValue | undefined): value is NumpyArray {
  return (
    value instanceof NumpyArray &&
    value.dtype === '|u1' &&
    (value.shape.length === 1 || (value.shape.length === 2 && value.shape[0] === 1)) &&
    isJpeg(value.bytes)
  );
}

function readTask(value: WireValue | undefined): number {
  if (value === undefined || value === null) return -1;
  let task: unknown = value;
  if (value instanceof NumpyArray) {
    if (value.size !== 1 || !'iu'.includes(value.dtype.charAt(1)))
      throw new InputError('observation', `"task_id" is ${value.dtype} [${value.shape}] (expected one integer).`);
    task = value.at(0);
  } else if (value instanceof NumpyScalar) task = value.value;
  const number = typeof task === 'bigint' ? Number(task) : task;
  if (!Number.isSafeInteger(number))
    throw new InputError('observation', '"task_id" is no integer (expected a task of the checkpoint, or -1 for none).');
  return number as number;
}
