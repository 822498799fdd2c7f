import type { Dataset } from '../data/index.ts';
import { tasksOfCheckpoint } from '../model/index.ts';

/** Names of the tasks that the data's episodes are of, by their number. */
export function dataTasks(sets: readonly Dataset[]): Map<number, string> {
  const names = new Map<number, string>();
  for (const { tasks, episodes } of sets) {
    const used = new Set(episodes.map(({ taskIndex }) => taskIndex));
    for (const [id, { name, instruction }] of tasks) if (used.has(id)) names.set(id, name ?? instruction);
  }
  return names;
}

/** Those of the data, and those that the run's first weights were trained on. */
export async function trainedTasks(
  ofData: ReadonlyMap<number, string>,
  checkpoint: string | undefined,
): Promise<string[]> {
  const before = checkpoint === undefined ? [] : await tasksOfCheckpoint(checkpoint);
  return [...new Set([...before, ...ofData.values()])].sort();
}
