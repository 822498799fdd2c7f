import { HOME_TASKS, homeTask } from '../../home/index.ts';
import { nameList } from './names.ts';

/** The household's tasks of an option: `name,name`, each once. @throws InputError that names the nearest task */
export const homeTasks = nameList(homeTask);

export const ALL_HOME_TASKS: readonly string[] = HOME_TASKS.map(({ name }) => name);
