import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readNormStats } from '../../action/index.ts';
import { readCheckpoint } from '../../model/index.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { chosenCheckpoint } from './chosenCheckpoint.ts';
import { robotOption } from './robot.ts';

/** Statistics with their robot: a checkpoint's, or those of a folder or file. */
export async function statisticsOf(source: string, { robot: asked }: { readonly robot?: string } = {}) {
  const file = source.endsWith('.json') ? source : join(source, 'norm_stats.json');
  const { robot } = await robotOption(asked === undefined ? {} : { robot: asked });
  if (existsSync(file)) return { stats: await readNormStats(file), robot: robot ?? CHALLENGE_ROBOT };
  const checkpoint = await readCheckpoint(await chosenCheckpoint(source));
  return { stats: checkpoint.normStats, robot: robot ?? checkpoint.robot };
}
