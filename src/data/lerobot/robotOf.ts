import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../base/index.ts';
import { parseRobot, ROBOTS, type Robot, readRobot, robotRecord, sameRobot, stateProblem } from '../../robot/index.ts';
import { matchedCameras, pictureFeatures } from './cameras.ts';
import { type CameraChoice, requireCameras } from './choice/cameraChoice.ts';
import type { Dataset } from './dataset.ts';
import type { Info } from './layout.ts';

/** Where a data set's own robot stands. */
export const robotFile = (root: string): string => join(root, 'meta', 'robot.json');

/** Numbers per row of a feature; undefined where info.json does not tell. */
const widthOf = (info: Info, feature: string): number | undefined => info.features[feature]?.shape.at(-1) ?? undefined;

/**
 * Why a data set cannot be of a robot, frames a second aside; undefined when it can. A set without any picture lacks
 * no camera.
 */
function misfit(robot: Robot, info: Info, choice?: CameraChoice): string | undefined {
  return misfitOfNumbers(robot, info) ?? misfitOfCameras(robot, info, choice);
}

function misfitOfNumbers(robot: Robot, info: Info): string | undefined {
  const action = widthOf(info, 'action');
  if (action !== robot.width) return `its actions have ${action ?? 'no known number of'} numbers, not ${robot.width}`;
  const state = widthOf(info, 'observation.state');
  if (state === undefined) return 'its observation.state has no known number of numbers';
  const problem = stateProblem(robot, state);
  if (problem) return `its observation.state has ${problem}`;
  return undefined;
}

function misfitOfCameras(robot: Robot, info: Info, choice?: CameraChoice): string | undefined {
  const pictures = pictureFeatures(info);
  if (pictures.length === 0) return undefined;
  const found = matchedCameras(info, robot.cameras, choice);
  const missing = robot.cameras.find(({ name }) => !found.has(name));
  return (
    missing &&
    `it has no ${missing.feature} (its pictures are ${pictures.join(', ')}; --camera ${missing.name}=FEATURE says ` +
      'which it is)'
  );
}

/**
 * The robot that comes with Valet and fits a data set: one of the data set's `robot_type`, else the only one that
 * fits at all. Its rate is the data
 * set's frames a second.
 */
export function recognisedRobot(info: Info, choice: CameraChoice = {}): Robot | undefined {
  const named = Object.keys(choice);
  const fitting = ROBOTS.filter(
    (robot) => misfit(robot, info, choice) === undefined && named.every((camera) => robot.cameraNames.includes(camera)),
  );
  const type = info.robot_type?.toLowerCase();
  const typed = fitting.find(({ types }) => types.some((one) => one.toLowerCase() === type));
  const robot = typed ?? (fitting.length === 1 ? fitting[0] : undefined);
  return robot && robot.rate !== info.fps ? parseRobot({ ...robotRecord(robot), rate: info.fps }) : robot;
}

/**
 * The robot of a data set: the given one, else that of its meta/robot.json, else a recognised one.
 * @throws InputError when the given or recorded robot cannot have made the data set
 */
export async function robotOf(
  root: string,
  info: Info,
  given?: Robot,
  choice?: CameraChoice,
): Promise<Robot | undefined> {
  const recorded = robotFile(root);
  const robot = given ?? (existsSync(recorded) ? await readRobot(recorded) : undefined);
  if (!robot) {
    const found = recognisedRobot(info, choice);
    requireCameras(root, found?.cameras, choice);
    return found;
  }
  requireCameras(root, robot.cameras, choice);
  const rate = robot.rate === info.fps ? undefined : `it has ${info.fps} frames a second, not ${robot.rate}`;
  const reason = misfit(robot, info, choice) ?? rate;
  if (reason)
    throw new InputError(
      given ? root : recorded,
      `the data set is not of the robot ${robot.name}: ${reason}. Choose another, or have one proposed by valet ` +
        'data robot.',
    );
  return robot;
}

/** The robot of a data set. @throws InputError that says how to name it, when it is not known */
export function requireRobot({ root, info, robot }: Pick<Dataset, 'root' | 'info' | 'robot'>): Robot {
  if (robot) return robot;
  const pictures = pictureFeatures(info).join(', ') || 'none';
  const numbers = `${widthOf(info, 'action') ?? '?'} actions, ${widthOf(info, 'observation.state') ?? '?'} of state`;
  const alike = ROBOTS.find((one) => misfitOfNumbers(one, info) === undefined && misfit(one, info) !== undefined);
  const options = alike?.cameraNames.map((name) => `--camera ${name}=FEATURE`).join(' ');
  const byCameras =
    alike && ` Its numbers are those of ${alike.name}: ${options} says which pictures are of which camera.`;
  throw new InputError(
    root,
    `it is not known which robot made this data set (robot_type ${JSON.stringify(info.robot_type ?? null)}, ` +
      `${numbers}, pictures ${pictures}). ` +
      'Say it with --robot NAME|FILE; valet data robot DIR --out robot.json writes such a file.' +
      (byCameras ?? ''),
  );
}

/** The robot of data sets that are trained on together. @throws InputError when one of them has none, or another */
export function commonRobot(datasets: readonly Dataset[]): Robot {
  const [first, ...others] = datasets;
  if (!first) throw new InputError('data', 'at least one data folder is needed.');
  const robot = requireRobot(first);
  for (const other of others) {
    const its = requireRobot(other);
    if (!sameRobot(robot, its))
      throw new InputError(
        other.root,
        `is of another robot (${its.name}, ${its.width} actions at ${its.rate} Hz) than ${first.root} ` +
          `(${robot.name}, ${robot.width} at ${robot.rate} Hz). Train on one robot's data, or say with --robot which ` +
          'they all are.',
      );
  }
  return robot;
}
