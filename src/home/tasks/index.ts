export { createExpert, type Expert } from './experts.ts';
export { HOME_TASKS, homeTask } from './homeTasks.ts';
export type { HouseholdTask, TaskExpert } from './householdTask.ts';
export { openHousehold } from './openHousehold.ts';
