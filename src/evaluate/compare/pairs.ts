import { counted, type LedgerLine, unitName } from '../ledger/index.ts';
import { mean } from '../scores/index.ts';

/** One instance that both policies played: mean q over the rollouts (seeds) that both have. */
export interface InstancePair {
  readonly task: string;
  readonly instance: number;
  readonly a: number;
  readonly b: number;
  /** b - a, in [-1, 1]. */
  readonly difference: number;
  readonly rollouts: number;
}

export interface Pairing {
  /** By task, in the order of A's ledger; within a task by instance. */
  readonly tasks: ReadonlyMap<string, readonly InstancePair[]>;
  /** Counted episodes of one side that the other lacks. */
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
}

/** Puts the episodes of two ledgers side by side: same task, instance and rollout. Invalid ones are no episodes. */
export function pairLedgers(a: readonly LedgerLine[], b: readonly LedgerLine[]): Pairing {
  const [mine, theirs] = [byUnit(a), byUnit(b)];
  const cells = new Map<string, { task: string; instance: number; a: number[]; b: number[] }>();
  for (const [unit, line] of mine) {
    const other = theirs.get(unit);
    if (!other) continue;
    const key = `${line.task}\u0000${line.instance}`;
    const cell = cells.get(key) ?? { task: line.task, instance: line.instance, a: [], b: [] };
    cell.a.push(line.q);
    cell.b.push(other.q);
    cells.set(key, cell);
  }
  const tasks = new Map<string, InstancePair[]>();
  for (const cell of cells.values()) {
    const [meanA, meanB] = [mean(cell.a), mean(cell.b)];
    const { task, instance } = cell;
    const pair = { task, instance, a: meanA, b: meanB, difference: meanB - meanA, rollouts: cell.a.length };
    tasks.set(task, [...(tasks.get(task) ?? []), pair]);
  }
  for (const pairs of tasks.values()) pairs.sort((x, y) => x.instance - y.instance);
  return {
    tasks,
    onlyA: [...mine.keys()].filter((unit) => !theirs.has(unit)),
    onlyB: [...theirs.keys()].filter((unit) => !mine.has(unit)),
  };
}

const byUnit = (lines: readonly LedgerLine[]): Map<string, LedgerLine> =>
  new Map(counted(lines).map((line) => [unitName(line), line]));
