import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeRobotDataset } from '../../../test/support/data.ts';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { chunkDefaults } from '../../control/index.ts';
import { datasetStatistics, motionOf, openDataset } from '../../data/index.ts';
import { parseRobot, type Robot, robotNamed, robotRecord } from '../../robot/index.ts';
import { words } from './columns.ts';
import { compressionFigure } from './compression.ts';
import { correlationFigure } from './correlation.ts';
import { inpaintedPlan, inpaintingFigure } from './inpainting.ts';
import { motionFigure } from './motion.ts';

const folder = await temporaryFolder();

/** Two arms, and longer chunks than the challenge's robot. */
const TWO_ARMS = withHorizon('aloha', 36);
/** One arm whose chunks are shorter than what the challenge's robot executes of one. */
const QUICK_ARM = withHorizon('single-arm', 12);

function withHorizon(name: string, horizon: number): Robot {
  return parseRobot({ ...robotRecord(robotNamed(name)), name: `own-${name}`, horizon });
}

it.each([
  ['two arms', TWO_ARMS],
  ['an arm with short chunks', QUICK_ARM],
] as const)('figures of %s: their own parts and steps', async (_, robot) => {
  const at = join(folder, robot.name);
  await writeRobotDataset(at, robot, { episodes: 2, frames: robot.horizon + 40, size: 32 });
  const { statistics: stats } = await datasetStatistics([at], { robot, workers: 1 });
  const dataset = await openDataset(at, { robot });
  const [episode] = dataset.episodes;
  const { action } = await dataset.columns(episode as (typeof dataset.episodes)[number], ['action']);
  const { horizon, width } = robot;
  const { executeActions: execute, executeSteps: steps, keepActions: keep } = chunkDefaults(robot);
  const drawn = {
    correlation: await correlationFigure(stats, robot),
    inpainting: inpaintingFigure(inpaintedPlan(stats, robot, keep), robot),
    compression: compressionFigure(Float64Array.from(action.data.slice(0, horizon * width)), robot, {
      ...{ execute, keep, steps },
    }),
    motion: await motionFigure(await motionOf(dataset, robot, 30), robot),
  };
  for (const svg of Object.values(drawn))
    expect(svg.replaceAll(/base64,[^"]*/g, '')).not.toMatch(/NaN|undefined|Infinity/);
  expect(drawn.correlation).toContain(`(${horizon * width} × ${horizon * width})`);
  for (const part of robot.parts) expect(drawn.correlation).toContain(`>${words(part.name)}</text>`);
  expect(drawn.inpainting.match(/row \d+: /g)).toHaveLength(horizon);
  expect(drawn.inpainting).toContain(`kept: ${keep}`);
  expect(drawn.compression).toMatch(new RegExp(`${execute} actions in ${steps} steps|${steps} steps as planned`));
});
