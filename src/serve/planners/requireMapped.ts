import { InputError } from '../../base/index.ts';
import { readCheckpoint, type StatisticsChoice } from '../../model/index.ts';
import { type CheckpointMapping, ranges } from './checkpointMapping.ts';

/**
 * Looks at every checkpoint of a mapping without loading one: whether it is there, its configuration, whether network,
 * robot and statistics fit one another, and whether it knows the tasks that it is to plan for.
 * @throws InputError that names every checkpoint that is not as it must be, with its tasks
 */
export async function requireMapped(
  { paths, byTask, otherwise }: CheckpointMapping,
  choice: StatisticsChoice = {},
): Promise<void> {
  const wrong: string[] = [];
  for (const [name, folder] of paths) {
    const tasks = [...byTask].filter(([, other]) => other === name).map(([task]) => task);
    const of = [...(tasks.length > 0 ? [`tasks ${ranges(tasks)}`] : []), ...(name === otherwise ? ['all others'] : [])];
    try {
      const { config } = await readCheckpoint(folder, choice);
      const unknown = tasks.filter((task) => config.taskNumStages[task] === undefined);
      if (unknown.length > 0)
        throw new InputError(folder, `knows no task ${ranges(unknown)} (it has 0…${config.taskNumStages.length - 1}).`);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      wrong.push(`${error.message} It is named for ${of.join(' and ') || 'no task'}.`);
    }
  }
  if (wrong.length > 0)
    throw new InputError(
      'checkpoint mapping',
      `${wrong.length} of ${paths.size} checkpoints cannot be served:\n${wrong.join('\n')}`,
    );
}
