import { InputError } from '../../base/index.ts';
import type { LedgerLine } from '../ledger/index.ts';
import { mean } from '../scores/index.ts';
import { differenceInterval, pairsNeeded, smallestDifference } from './differenceInterval.ts';
import { type InstancePair, pairLedgers } from './pairs.ts';
import { type SequentialResult, testInOrder } from './sequentially.ts';
import { holm, signFlipTest } from './signFlip.ts';

/** One task, B against A. Bounds are those of a 95 % interval. */
export interface TaskComparison {
  readonly a: number;
  readonly b: number;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  /** Of the paired permutation test, and after Holm's correction for the number of tasks. */
  readonly p: number;
  readonly pCorrected: number;
  readonly instances: number;
  /** Instances where B did better, and worse. */
  readonly better: number;
  readonly worse: number;
}

/** Two evaluations, paired by task, instance and rollout: how much better B is than A. */
export interface Comparison {
  /** Episodes of each side that have a partner. */
  readonly episodes: number;
  /** Mean over tasks of q of B less q of A. */
  readonly difference: { readonly mean: number; readonly low: number; readonly high: number };
  readonly p: number;
  readonly tasks: Readonly<Record<string, TaskComparison>>;
  /** The smallest true difference that so many episodes find in 80 of 100 studies. */
  readonly smallestDifference: number;
  /** Instances a task that would find the difference seen here in 80 of 100 studies; null: it is 0. */
  readonly instancesNeeded: number | null;
  /** Instances where B did worse, the worst first. */
  readonly worse: readonly InstancePair[];
  readonly sequential: SequentialResult;
  /** Episodes of one side alone; they are in none of the numbers. */
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
}

/**
 * Compares two ledgers. Several rollouts (seeds) of an instance count as one pair: their mean.
 * @param seed of the permutation test's draws @throws InputError when no episode has a partner
 */
export function compareLedgers(a: readonly LedgerLine[], b: readonly LedgerLine[], seed = '0'): Comparison {
  const { tasks, onlyA, onlyB } = pairLedgers(a, b);
  if (tasks.size === 0)
    throw new InputError(
      'compare',
      `the evaluations have no episode in common (task, instance, rollout): ${some(onlyA)} against ${some(onlyB)}. ` +
        'Evaluate both on the same --tasks and --instances.',
    );
  const names = [...tasks.keys()];
  const differences = names.map((name) => (tasks.get(name) ?? []).map(({ difference }) => difference));
  const whole = differenceInterval(differences);
  const p = differences.map((one, i) => signFlipTest([one], `${seed}/${names[i]}`));
  const corrected = holm(p);
  const pairs = names.flatMap((name) => tasks.get(name) ?? []);
  const fewest = Math.min(...differences.map(({ length }) => length));
  const needed = pairsNeeded(whole, fewest);
  return {
    episodes: pairs.reduce((sum, { rollouts }) => sum + rollouts, 0),
    difference: { mean: whole.mean, low: whole.low, high: whole.high },
    p: signFlipTest(differences, seed),
    tasks: Object.fromEntries(
      names.map((name, i) => [name, compareTask(tasks.get(name) ?? [], p[i] ?? 1, corrected[i] ?? 1)]),
    ),
    smallestDifference: smallestDifference(whole),
    instancesNeeded: Number.isFinite(needed) ? needed : null,
    worse: pairs.filter(({ difference }) => difference < 0).sort((x, y) => x.difference - y.difference),
    sequential: testInOrder(
      tasks,
      names,
      (tasks.get(names[0] ?? '') ?? []).map(({ instance }) => instance),
    ),
    onlyA,
    onlyB,
  };
}

function compareTask(pairs: readonly InstancePair[], p: number, pCorrected: number): TaskComparison {
  const { mean: difference, low, high } = differenceInterval([pairs.map((pair) => pair.difference)]);
  return {
    a: mean(pairs.map(({ a }) => a)),
    b: mean(pairs.map(({ b }) => b)),
    difference,
    low,
    high,
    p,
    pCorrected,
    instances: pairs.length,
    better: pairs.filter((pair) => pair.difference > 0).length,
    worse: pairs.filter((pair) => pair.difference < 0).length,
  };
}

const some = (units: readonly string[]): string =>
  units.length === 0 ? 'none' : `${units.slice(0, 3).join(', ')}${units.length > 3 ? ` … (${units.length})` : ''}`;
