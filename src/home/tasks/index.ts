export { HOME_TASKS, homeTask } from './homeTasks.ts';
export { openHousehold } from './openHousehold.ts';
