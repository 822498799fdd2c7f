import { HOME_TASKS } from '../../home/index.ts';
import type { LedgerLine } from '../ledger/index.ts';
import { type Interval, wilson } from '../scores/index.ts';

/** A task that cannot be done from the present picture: how often it was done, beside chance. */
export interface MemoryRow {
  readonly task: string;
  /** The share of episodes that guessing gets right. */
  readonly chance: number;
  /** Shares of the episodes that were done, with Wilson's intervals; null where the row was not played. */
  readonly policy: Interval;
  readonly memoryless: Interval | null;
  readonly oracle: Interval | null;
  /** Whether the policy does better than any guess: its interval lies above chance. */
  readonly remembers: boolean;
  /** Whether the policy without memory is no better than a guess; null where it was not played. */
  readonly needsMemory: boolean | null;
}

/** What the rows with and without memory say of the tasks that need it. */
export function memoryRows(
  tasks: readonly string[],
  {
    policy,
    memoryless,
    oracle,
  }: {
    readonly policy: readonly LedgerLine[];
    readonly memoryless: readonly LedgerLine[] | undefined;
    readonly oracle: readonly LedgerLine[] | undefined;
  },
): MemoryRow[] {
  return tasks.flatMap((task) => {
    const chance = HOME_TASKS.find(({ name }) => name === task)?.chance;
    if (chance === undefined) return [];
    const done = (lines: readonly LedgerLine[] | undefined): Interval | null => {
      const own = (lines ?? []).filter((line) => line.task === task);
      return own.length === 0 ? null : wilson(own.filter(({ success }) => success).length / own.length, own.length);
    };
    const [own, without] = [done(policy) ?? wilson(0, 0), done(memoryless)];
    return [
      {
        ...{ task, chance, policy: own, memoryless: without, oracle: done(oracle) },
        remembers: own.low > chance,
        needsMemory: without && without.low <= chance,
      },
    ];
  });
}
