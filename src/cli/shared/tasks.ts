import { join } from 'node:path';
import { packageRoot } from '../../base/index.ts';
import { HOME_TASKS, homeTask } from '../../home/index.ts';
import { nameList } from './names.ts';

/** The household's tasks of an option: `name,name`, each once. @throws InputError that names the nearest task */
export const homeTasks = nameList(homeTask);

/** What the help says of a default that follows from the policy. */
export const TASKS_HELP =
  "tasks, separated by commas (those that the policy was trained on; for others, the shipped policy's)";

/**
 * The household's tasks that a checkpoint was trained on, in the household's order. Without a checkpoint, or when it
 * does not say, those of the policy that comes with Valet.
 */
export async function tasksFor(checkpoint?: string): Promise<string[]> {
  const { tasksOfCheckpoint } = await import('../../model/index.ts');
  const known = (names: readonly string[]) => HOME_TASKS.map(({ name }) => name).filter((name) => names.includes(name));
  const own = checkpoint === undefined ? [] : known(await tasksOfCheckpoint(checkpoint));
  return own.length > 0 ? own : known(await tasksOfCheckpoint(join(packageRoot(), 'policies', 'household')));
}
