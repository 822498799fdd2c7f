import { InputError } from '../base/index.ts';
import type { Observation, Picture, Robot } from '../robot/index.ts';
import { type Asked, EXTRAS, readExtras, type WireExtra } from './extras.ts';
import { NumpyArray } from './numpy.ts';
import { addressesOf, findKey } from './observationKeys.ts';
import { readPictures, readProprioceptions, readTasks } from './observationRows.ts';
import type { Packable, WireValue } from './value.ts';

/** One message of a client, read. */
export interface ObservationMessage {
  /** One robot's, or a row for each robot when the arrays carry a leading axis. */
  readonly observations: readonly [Observation, ...Observation[]];
  /** The arrays carried a leading axis, and so must the reply. */
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
 * Reads an observation of one robot, or of N robots when every array has a leading axis of N. Pictures are views of the
 * message; one that is a JPEG file stays one (`isEncoded` of picture/). Keys that neither the robot nor an extra names
 * (depth, segmentation, camera poses, `need_new_action`) are ignored. This is the door at which numbers are checked for
 * being finite.
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
  const { rows, batched } = readProprioceptions(message, findKey(keys, addresses.proprioception), robot);
  const count = rows.length;
  const tasks = readTasks(message.get('task_id'), count);
  const pictures = rows.map((): Record<string, Picture> => ({}));
  for (const address of addresses.cameras) {
    const key = findKey(keys, address);
    for (const [row, picture] of readPictures(key, message.get(key), { count, batched }).entries())
      (pictures[row] as Record<string, Picture>)[address.camera] = picture;
  }
  const observations = rows.map(
    (proprioception, row): Observation => ({
      proprioception,
      pictures: pictures[row] ?? {},
      taskId: tasks[row] ?? -1,
    }),
  );
  return {
    observations: observations as [Observation, ...Observation[]],
    batched,
    asked: readExtras(message, extras),
  };
}
