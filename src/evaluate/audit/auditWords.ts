import type { TaskTable } from './auditTables.ts';
import type { MemoryRow } from './memoryRows.ts';

/** How many episodes the cells of a table hold: `50`, or `20 to 50`. */
export function episodesOf(rows: TaskTable['rows']): string {
  const counts = rows.flatMap(({ cells }) => cells.flatMap((cell) => cell?.episodes ?? []));
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(least) : `${least} to ${most}`;
}

/** What the rows with and without memory say of a task. */
export function memoryWords({ remembers, needsMemory }: MemoryRow): string {
  const own = remembers ? 'the policy remembers' : 'the policy is not above chance';
  if (needsMemory === null) return own;
  return `${own}; ${needsMemory ? 'without memory it guesses' : 'without memory it is above chance too'}`;
}
