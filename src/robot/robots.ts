import { existsSync } from 'node:fs';
import { InputError, nearest } from '../base/index.ts';
import { parseRobot, type Robot, readRobot } from './robot.ts';
import aloha from './robots/aloha.json' with { type: 'json' };
import r1pro from './robots/r1pro.json' with { type: 'json' };
import r1pro21 from './robots/r1pro-21.json' with { type: 'json' };
import singleArm from './robots/single-arm.json' with { type: 'json' };
import singleArm8 from './robots/single-arm-8.json' with { type: 'json' };

/** The robots that come with Valet. A new one is a JSON file and its line here. */
export const ROBOTS: readonly Robot[] = [r1pro, r1pro21, aloha, singleArm, singleArm8].map((record) =>
  parseRobot(record, `robot ${record.name}`),
);

/** The challenge's robot: that of the embedded household, and of files that do not name another. */
export const CHALLENGE_ROBOT = robotNamed('r1pro');

/** A robot that comes with Valet. @throws InputError that names the nearest */
export function robotNamed(name: string): Robot {
  const robot = ROBOTS.find((candidate) => candidate.name === name);
  if (robot) return robot;
  const names = ROBOTS.map((candidate) => candidate.name);
  const guess = nearest(name, names);
  throw new InputError(
    'robot',
    `no robot called ${JSON.stringify(name)}.${guess ? ` Did you mean ${guess}?` : ''} There are ` +
      `${names.join(', ')}; or give the path of a robot.json.`,
  );
}

/** What `--robot NAME|FILE` says. @throws InputError for an unknown name, or a file that is no robot */
export async function chosenRobot(nameOrFile: string): Promise<Robot> {
  return existsSync(nameOrFile) || /[\\/]|\.json$/.test(nameOrFile) ? readRobot(nameOrFile) : robotNamed(nameOrFile);
}
