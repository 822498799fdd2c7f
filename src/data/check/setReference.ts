import { present } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { type DataChoice, openSets, requireRobot, withFiles } from '../lerobot/index.ts';
import type { FitReference } from './fit.ts';
import { Survey } from './survey.ts';

/**
 * Another data set to compare with: means and deviations of all its frames. No picture is read.
 * @param dir its folder or address
 * @throws InputError when it cannot be read, or nothing tells its robot
 */
export async function setReference(
  dir: string,
  {
    robot,
    choice,
    progress,
  }: {
    readonly robot?: Robot | undefined;
    readonly choice?: DataChoice | undefined;
    readonly progress?: ((done: number, total: number) => void) | undefined;
  } = {},
): Promise<FitReference> {
  const [found] = (await openSets([dir], { robot, ...(choice && { choice }) })).sets;
  const set = present(found, 'the data set');
  const survey = new Survey(requireRobot(set));
  for (const [i, episode] of set.episodes.entries()) {
    const read = async () => survey.add(episode, await set.columns(episode, ['action', 'observation.state']));
    await withFiles(set, [episode], [], read);
    progress?.(i + 1, set.episodes.length);
  }
  return survey.required(dir);
}
