import { chosenRobot, type Robot } from '../../robot/index.ts';

/** What `--robot` says, for `openDataset` and its like: nothing when it was not given. */
export async function robotOption({ robot }: { readonly robot?: string }): Promise<{ robot?: Robot }> {
  return robot === undefined ? {} : { robot: await chosenRobot(robot) };
}
