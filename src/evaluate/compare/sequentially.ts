import { mean } from '../scores/index.ts';
import { sequentialTest } from './betting.ts';
import type { InstancePair } from './pairs.ts';

/** What a test says that may be looked at after every instance (`betting.ts`). */
export interface SequentialResult {
  /** Which is better; `alike` where the interval lies within the margin; null: not decided. */
  readonly verdict: 'a' | 'b' | 'alike' | null;
  /** Bounds of the mean difference B − A that hold at all times together with 95 %. */
  readonly low: number;
  readonly high: number;
  /** Instances that it took, of those that every task has. */
  readonly instances: number;
}

/**
 * The sequential test over instances in their order, each the mean over the tasks; it ends where it is decided.
 * Instances that a task lacks are passed over.
 * @param tasks which of `pairs` count @param order which instances, and in which order
 */
export function testInOrder(
  pairs: ReadonlyMap<string, readonly InstancePair[]>,
  tasks: readonly string[],
  order: readonly number[],
  margin = 0,
): SequentialResult {
  const byInstance = tasks.map((task) => new Map(pairs.get(task)?.map((pair) => [pair.instance, pair.difference])));
  const test = sequentialTest(margin);
  for (const instance of order) {
    const row = byInstance.map((differences) => differences.get(instance));
    if (row.some((difference) => difference === undefined)) continue;
    test.add(mean(row as number[]));
    if (test.verdict) break;
  }
  return { verdict: test.verdict ?? null, ...test.interval(), instances: test.count };
}
