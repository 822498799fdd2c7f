import { type HomeTask, Household, type HouseholdOptions } from '../world/index.ts';
import { homeTask } from './homeTasks.ts';

/**
 * The household with a task in it: one of those that come with Valet, by name, or one of your own.
 * @throws InputError that names the nearest task
 */
export async function openHousehold(task: string | HomeTask, options: HouseholdOptions = {}): Promise<Household> {
  return Household.create(typeof task === 'string' ? homeTask(task) : task, options);
}
