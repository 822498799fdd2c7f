import { LARGEST_NUMBER } from '../../action/index.ts';
import type { Robot } from '../../robot/index.ts';
import type { SampleTable } from './sampleTable.ts';

/** A number of a sample that no network can learn from: not finite, or beyond what statistics take. */
export interface BadNumber {
  readonly sample: number;
  /** Number of the data folder, and the episode and frame of the number. */
  readonly folder: number;
  readonly episode: number;
  readonly frame: number;
  readonly what: 'state' | 'action' | 'task_info';
  /** Its place in a row of that. */
  readonly dimension: number;
  readonly value: number;
}

const isBad = (value: number): boolean => !(Math.abs(value) <= LARGEST_NUMBER);

/** The first bad number of each sample that has one: of its state, its whole chunk and its privileged numbers. */
export function badNumbers(table: SampleTable, horizon: number): BadNumber[] {
  const { count, width, taskInfoWidth: k } = table;
  const rows = table.action.length / width;
  // The next row, from each one on, that holds a bad number; `rows` where none follows.
  const next = new Uint32Array(rows + 1).fill(rows);
  for (let row = rows - 1; row >= 0; row--)
    next[row] = firstBad(table.action, row, width) >= 0 ? row : (next[row + 1] ?? rows);
  const found: BadNumber[] = [];
  for (let sample = 0; sample < count; sample++) {
    const begin = table.row[sample] ?? 0;
    const bad = next[begin] ?? rows;
    const places = [
      { what: 'state', data: table.state, row: sample, size: width, later: 0 },
      ...(bad < Math.min(begin + horizon, (table.last[sample] ?? 0) + 1)
        ? [{ what: 'action', data: table.action, row: bad, size: width, later: bad - begin } as const]
        : []),
      { what: 'task_info', data: table.taskInfo, row: sample, size: k, later: 0 },
    ] as const;
    for (const { what, data, row, size, later } of places) {
      const dimension =
        what === 'task_info' ? firstBad(data, row, size, (x) => !Number.isFinite(x)) : firstBad(data, row, size);
      if (dimension < 0) continue;
      found.push({
        sample,
        folder: table.folder[sample] ?? 0,
        episode: table.episode[sample] ?? 0,
        frame: (table.frame[sample] ?? 0) + later,
        what,
        dimension,
        value: data[row * size + dimension] ?? Number.NaN,
      });
      break;
    }
  }
  return found;
}

function firstBad(data: Float32Array, row: number, size: number, bad: (value: number) => boolean = isBad): number {
  for (let d = 0; d < size; d++) if (bad(data[row * size + d] as number)) return d;
  return -1;
}

/** A bad number in words: what, which part of the robot, where. @param dir the data folder's path */
export function badNumberWords(
  { episode, frame, what, dimension, value }: BadNumber,
  dir: string,
  robot: Robot,
): string {
  const part = robot.parts.find(({ columns: [start, end] }) => dimension >= start && dimension < end);
  const name = what === 'task_info' || !part ? `${dimension}` : `${part.name} ${dimension - part.columns[0]}`;
  return (
    `${dir}: episode ${episode}, frame ${frame}: ${what} ${name} (dimension ${dimension}) is ${value} ` +
    `(expected a finite number${what === 'task_info' ? '' : ` of at most ${LARGEST_NUMBER}`})`
  );
}
