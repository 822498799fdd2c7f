import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readNormStats } from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import { CHALLENGE_ROBOT, parseRobot, ROBOTS, type Robot, readRobot } from '../../robot/index.ts';
import { usedWidth } from '../statisticsFit.ts';
import type { StoredTree } from './openTree.ts';
import { layoutOf } from './recognise.ts';
import { valetConfig } from './valetBeside.ts';

/**
 * The robot that a checkpoint drives: what Valet's config.json says, its own or an export's; else a robot.json beside
 * it or its statistics; else the one robot that comes with Valet whose actions are as wide as the statistics' numbers
 * that move. A checkpoint that says nothing at all is the challenge's robot's.
 * @param assets folder of the statistics that are taken; undefined when there are none
 * @throws InputError when the statistics fit no robot, or several
 */
export async function robotOfSource(tree: StoredTree, assets: string | undefined, statistics?: string): Promise<Robot> {
  const own = await valetConfig(tree);
  if (own) return own.robot === undefined ? CHALLENGE_ROBOT : parseRobot(own.robot, `${own.where}: robot`);
  for (const folder of [assets, tree.folder])
    if (folder !== undefined && existsSync(join(folder, 'robot.json'))) return readRobot(join(folder, 'robot.json'));
  const stats = statistics && (await readNormStats(statistics).catch(() => undefined));
  // A π0.5 base has statistics of many robots, and none of them need be the one that it will be trained for.
  if (!stats || layoutOf(tree) !== 'winner') return CHALLENGE_ROBOT;
  const width = usedWidth(stats);
  const fitting = ROBOTS.filter((robot) => robot.width === width);
  const [only] = fitting;
  if (only && fitting.length === 1) return only;
  const names = ROBOTS.map((robot) => `${robot.name} (${robot.width})`).join(', ');
  throw new InputError(
    tree.path,
    `drives a robot with ${width} numbers an action, and which one is not in it. ` +
      `Say it: --robot NAME or FILE (robots that come with Valet: ${names}).`,
  );
}
