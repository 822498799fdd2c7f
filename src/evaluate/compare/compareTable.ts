import { alignedTable, chanceText } from '../scores/index.ts';
import type { Comparison } from './compare.ts';
import { findableText } from './differenceInterval.ts';

/** Cells that are listed by name. */
const LISTED = 10;

/** A comparison for a terminal: a row a task, the worst first, then the mean and what it means. */
export function compareTable(comparison: Comparison, a: string, b: string): string {
  const { tasks, difference, p, worse } = comparison;
  const rows = Object.entries(tasks)
    .sort(([, x], [, y]) => x.difference - y.difference)
    .map(([name, task]) => [
      name,
      task.a.toFixed(3),
      task.b.toFixed(3),
      `${signed(task.difference)}  [${signed(task.low)}, ${signed(task.high)}]`,
      chanceText(task.p),
      chanceText(task.pCorrected),
      `${task.better} / ${task.worse} of ${task.instances}`,
    ]);
  const header = ['task', 'q A', 'q B', 'B − A  [95 % interval]', 'p', 'p (Holm)', 'better / worse'];
  const last = [
    'mean over tasks',
    '',
    '',
    `${signed(difference.mean)}  [${signed(difference.low)}, ${signed(difference.high)}]`,
    chanceText(p),
    '',
    `${comparison.episodes} episodes each`,
  ];
  return [
    `A: ${a}\nB: ${b}\n`,
    alignedTable(header, rows, last),
    '',
    verdict(comparison),
    ...(worse.length > 0
      ? [`B did worse in: ${worse.slice(0, LISTED).map(cell).join(', ')}${more(worse.length)}`]
      : []),
  ].join('\n');
}

function verdict({ p, difference, smallestDifference, instancesNeeded }: Comparison): string {
  const better = difference.mean > 0 ? 'B' : 'A';
  const found =
    p < 0.05
      ? `${better} is better (p ${chanceText(p)}).`
      : `Not decided: p ${chanceText(p)} is above 0.05.` +
        (instancesNeeded === null ? '' : ` A difference of this size takes about ${instancesNeeded} instances a task.`);
  const smallest = findableText(smallestDifference, 3);
  return smallest === 'none'
    ? `${found} So few episodes find no true difference in 80 of 100 studies, however large it is.`
    : `${found} So many episodes find true differences from ${smallest} on (in 80 of 100 studies).`;
}

/** The sequential test in a sentence. */
export function sequentialLine({ verdict, low, high, instances }: Comparison['sequential']): string {
  const found = {
    a: 'Decided: A is better',
    b: 'Decided: B is better',
    alike: 'Decided: they are alike within the margin',
    none: 'Not decided',
  }[verdict ?? 'none'];
  const bounds = `B − A in [${signed(low)}, ${signed(high)}] with 95 %, however often one looks`;
  return `${found} after ${instances} ${instances === 1 ? 'instance' : 'instances'} of each task (${bounds}).`;
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
const cell = ({ task, instance, difference }: { task: string; instance: number; difference: number }): string =>
  `${task} ${instance} (${signed(difference)})`;
const more = (count: number): string => (count > LISTED ? ` and ${count - LISTED} more` : '');
