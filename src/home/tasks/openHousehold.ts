import { Household, type HouseholdOptions } from '../world/index.ts';
import { homeTask } from './homeTasks.ts';

/** The household with the named task in it. @throws InputError that names the nearest task */
export async function openHousehold(task: string, options: HouseholdOptions = {}): Promise<Household> {
  return Household.create(homeTask(task), options);
}
