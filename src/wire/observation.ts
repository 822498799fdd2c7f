import sharp from 'sharp';
import { InputError, nearest } from '../base/index.ts';
import { CHALLENGE_ROBOT, type Observation, type Picture } from '../robot/index.ts';
import { NumpyArray, NumpyScalar, type Packable, type WireMap, type WireValue } from './value.ts';

/** The evaluator's names of the cameras; a key on the wire is `<robot>::<robot>:<link>:Camera:0::rgb` (docs/facts.md#cameras). */
const LINKS: Readonly<Record<string, string>> = {
  head: 'zed_link',
  left_wrist: 'left_realsense_link',
  right_wrist: 'right_realsense_link',
};
const PATTERNS = Object.fromEntries(
  CHALLENGE_ROBOT.cameraNames.map((camera) => [camera, new RegExp(`(?:^|:)${LINKS[camera]}:Camera:\\d+::rgb$`)]),
) as Record<string, RegExp>;
/** Numbers of proprioception: the 2025 evaluator sends 256, the 2026 one 61 (docs/facts.md#proprioception). */
const PROPRIOCEPTION_LENGTHS = [256, 61];
/** The most actions that one reply may carry. */
const MAX_CHUNK = 1000;
/** The side of the largest picture that is taken. */
const MAX_SIDE = 8192;

/** One message of a client, read. */
export interface ObservationMessage {
  readonly observation: Observation;
  /** The arrays carried a leading axis of 1, and so must the reply. */
  readonly batched: boolean;
  /** Actions asked for in one reply (`__action_chunk_size__` of the 2026 client), 1 when not said. */
  readonly chunkSize: number;
  /** The client asked for the policy's note beside the action (`__policy_note__`, an extra of Valet's own client). */
  readonly wantsNote: boolean;
}

/** An observation as the official evaluator writes it: `proprio` float32 [256 or 61], `rgb` uint8 [H, W, 3 or 4] per camera, `task_id` int64 [1]. */
export function observationToWire(observation: Observation, robot = 'robot_r1'): { [key: string]: Packable } {
  const message: { [key: string]: Packable } = { [`${robot}::proprio`]: NumpyArray.of(observation.proprioception) };
  for (const camera of CHALLENGE_ROBOT.cameraNames) {
    const { width, height, channels, data } = observation.pictures[camera];
    message[`${robot}::${robot}:${LINKS[camera]}:Camera:0::rgb`] = NumpyArray.of(data, [height, width, channels]);
  }
  message['task_id'] = NumpyArray.of(BigInt64Array.of(BigInt(observation.taskId)));
  return message;
}

/**
 * Reads an observation of any robot name, with or without a leading batch axis of 1. Pictures are views of the message; one that is a JPEG file stays
 * one, with a width of 0, until `decodePictures`.
 * Keys that a policy does not use (depth, segmentation, camera poses, `need_new_action`) are ignored.
 * @throws InputError that names the missing key and the nearest one present, a wrong shape, or a number that is not finite
 */
export function observationFromWire(message: WireValue): ObservationMessage {
  if (!(message instanceof Map)) throw new InputError('observation', 'the message is no map of named values.');
  const keys = [...message.keys()].filter((key) => typeof key === 'string');
  const proprio = readProprioception(message, keys);
  const pictures = {} as Record<string, Picture>;
  for (const camera of CHALLENGE_ROBOT.cameraNames) {
    const key = find(keys, LINKS[camera], PATTERNS[camera], `robot_r1::robot_r1:${LINKS[camera]}:Camera:0::rgb`);
    pictures[camera] = readPicture(key, message.get(key)!, proprio.batched);
  }
  const { values: proprioception, batched } = proprio;
  return {
    observation: { proprioception, pictures, taskId: readTask(message.get('task_id')) },
    batched,
    chunkSize: readChunkSize(message.get('__action_chunk_size__')),
    wantsNote: message.get('__policy_note__') === true,
  };
}

/** The one key that matches. @throws InputError when there is none, or two robots' */
function find(keys: readonly string[], what: string, pattern: RegExp, example: string): string {
  const found = keys.filter((key) => pattern.test(key));
  if (found.length === 1) return found[0]!;
  if (found.length > 1)
    throw new InputError(
      'observation',
      `has ${found.length} keys for ${what} (${show(found)}); one connection is one robot.`,
    );
  const near = nearest(example, keys);
  const present = near
    ? `the nearest present is "${near.slice(0, 80)}"`
    : keys.length > 0
      ? `present: ${show(keys)}`
      : 'the map has no text keys';
  throw new InputError('observation', `has no key for ${what} (expected one like "${example}"; ${present}).`);
}

function show(keys: readonly string[]): string {
  const some = keys
    .slice(0, 6)
    .map((key) => `"${key.slice(0, 80)}"`)
    .join(', ');
  return keys.length > 6 ? `${some} and ${keys.length - 6} more` : some;
}

function array(key: string, value: WireValue): NumpyArray {
  if (value instanceof NumpyArray) return value;
  throw new InputError('observation', `"${key.slice(0, 80)}" is no numpy array.`);
}

function readProprioception(message: WireMap, keys: readonly string[]): { values: Float32Array; batched: boolean } {
  const key = find(keys, 'proprioception', /(?:^|::)proprio$/, 'robot_r1::proprio');
  const value = array(key, message.get(key)!);
  const { shape, dtype } = value;
  const length = shape.at(-1);
  const batched = shape.length === 2;
  if (
    shape.length < 1 ||
    shape.length > 2 ||
    !PROPRIOCEPTION_LENGTHS.includes(length!) ||
    (batched && shape[0] !== 1) ||
    dtype[1] !== 'f'
  )
    throw new InputError(
      'observation',
      `"${key.slice(0, 80)}" is ${dtype} [${shape}] (expected float32 [256] or [61], with at most a leading axis of 1).`,
    );
  const values = value.float32();
  const bad = values.findIndex((number) => !Number.isFinite(number));
  if (bad >= 0)
    throw new InputError('observation', `"${key.slice(0, 80)}" is not finite (number ${bad} is ${values[bad]}).`);
  return { values, batched };
}

function readPicture(key: string, value: WireValue, batched: boolean): Picture {
  if (isJpeg(value)) return encoded(value.bytes);
  const { dtype, shape, bytes } = array(key, value);
  const [height, width, channels] = shape.slice(batched && shape.length === 4 ? 1 : 0) as [number, number, number];
  const fits = shape.length === 3 || (batched && shape.length === 4 && shape[0] === 1);
  if (
    dtype !== '|u1' ||
    !fits ||
    (channels !== 3 && channels !== 4) ||
    height < 1 ||
    width < 1 ||
    height > MAX_SIDE ||
    width > MAX_SIDE
  )
    throw new InputError(
      'observation',
      `"${key.slice(0, 80)}" is ${dtype} [${shape}] (expected uint8 [height, width, 3 or 4], 1…${MAX_SIDE} pixels a side).`,
    );
  return { width, height, channels, data: bytes };
}

function readTask(value: WireValue | undefined): number {
  if (value === undefined || value === null) return -1;
  let task: unknown = value;
  if (value instanceof NumpyArray) {
    if (value.size !== 1 || !'iu'.includes(value.dtype[1]!))
      throw new InputError('observation', `"task_id" is ${value.dtype} [${value.shape}] (expected one integer).`);
    task = value.at(0);
  } else if (value instanceof NumpyScalar) task = value.value;
  const number = typeof task === 'bigint' ? Number(task) : task;
  if (!Number.isSafeInteger(number))
    throw new InputError('observation', '"task_id" is no integer (expected 0…49, or -1 for none).');
  return number as number;
}

function readChunkSize(value: WireValue | undefined): number {
  const size = value instanceof NumpyScalar ? Number(value.value) : value;
  return typeof size === 'number' && Number.isInteger(size) && size >= 1 && size <= MAX_CHUNK ? size : 1;
}

/** One-dimensional uint8 that begins like a JPEG file, with or without a leading axis of 1. */
function isJpeg(value: WireValue): value is NumpyArray {
  return (
    value instanceof NumpyArray &&
    value.dtype === '|u1' &&
    (value.shape.length === 1 || (value.shape.length === 2 && value.shape[0] === 1)) &&
    value.bytes[0] === 0xff &&
    value.bytes[1] === 0xd8 &&
    value.bytes[2] === 0xff
  );
}

/** The pixels of a JPEG file. @throws InputError for a file that cannot be read, or is larger than `maxBytes` as pixels */
async function decodeJpeg(key: string, bytes: Uint8Array, maxBytes = 3 * MAX_SIDE * MAX_SIDE): Promise<Picture> {
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: Math.floor(maxBytes / 3), failOn: 'error' })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return {
      width,
      height,
      channels: channels as 3,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    };
  } catch {
    throw new InputError(
      'observation',
      `"${key.slice(0, 80)}" begins like a JPEG file but cannot be read as one, or is too large.`,
    );
  }
}

/** A picture that is still a file: it has no size until it is decoded. */
function encoded(bytes: Uint8Array): Picture {
  return { width: 0, height: 0, channels: 3, data: bytes };
}

/** The pictures as pixels; those of raw pixels are passed on as they are. @throws InputError for a file that cannot be read */
export async function decodePictures(
  pictures: Observation['pictures'],
  maxBytes?: number,
): Promise<Observation['pictures']> {
  if (CHALLENGE_ROBOT.cameraNames.every((camera) => pictures[camera].width > 0)) return pictures;
  const decoded = await Promise.all(
    CHALLENGE_ROBOT.cameraNames.map(async (camera) => {
      const picture = pictures[camera];
      return [camera, picture.width > 0 ? picture : await decodeJpeg(camera, picture.data, maxBytes)] as const;
    }),
  );
  return Object.fromEntries(decoded) as Observation['pictures'];
}

/** Copies with memory of their own: a message's memory is used again, and a worker would be sent all of it for the sake of a part. */
export function ownPictures(pictures: Observation['pictures']): Observation['pictures'] {
  const own = CHALLENGE_ROBOT.cameraNames.map((camera) => {
    const { data, ...size } = pictures[camera];
    return [camera, { ...size, data: Uint8Array.from(data) }] as const;
  });
  return Object.fromEntries(own) as Observation['pictures'];
}

/** Replaces every JPEG picture by its pixels, uint8 [H, W, 3]; a message without any comes back at once, unchanged. */
export async function decodeJpegs(message: WireValue): Promise<WireValue> {
  if (!(message instanceof Map)) return message;
  const jpegs = [...message].filter(([, value]) => isJpeg(value)) as [string, NumpyArray][];
  if (jpegs.length === 0) return message;
  const decoded = new Map(message);
  for (const [key, value] of jpegs) {
    const { width, height, channels, data } = await decodeJpeg(String(key), value.bytes);
    decoded.set(key, new NumpyArray('|u1', [height, width, channels], data));
  }
  return decoded;
}

/** A reply's action. @throws InputError when it is missing or not 23 finite numbers */
export function actionFromWire(message: WireValue): Float32Array {
  const action = message instanceof Map ? message.get('action') : undefined;
  if (!(action instanceof NumpyArray)) throw new InputError('reply', 'has no array named "action".');
  if (action.size !== 23 || action.dtype[1] !== 'f')
    throw new InputError('reply', `"action" is ${action.dtype} [${action.shape}] (expected 23 floats).`);
  const values = action.float32();
  if (!values.every(Number.isFinite)) throw new InputError('reply', '"action" is not finite.');
  return values;
}
