import { duration } from '../../base/index.ts';
import { counted, type LedgerLine, openUnits, type Unit } from '../ledger/index.ts';
import { summariseLedger } from '../scores/index.ts';

/** How fast a task's episodes go, measured before the first one or by earlier ones. */
export interface TaskPace {
  readonly task: string;
  /** Of a whole episode; when it was only begun, the longest that it can take. */
  readonly seconds: number;
  /** What it stands on: episodes that were played, or the first steps of one. */
  readonly from: 'episodes' | 'steps';
}

/** Mean seconds of the tasks' episodes that are booked. */
export function paceOfLines(lines: readonly LedgerLine[]): TaskPace[] {
  const byTask = new Map<string, LedgerLine[]>();
  for (const line of counted(lines)) byTask.set(line.task, [...(byTask.get(line.task) ?? []), line]);
  return [...byTask].map(([task, played]) => ({
    task,
    seconds: played.reduce((sum, { seconds }) => sum + seconds, 0) / played.length,
    from: 'episodes',
  }));
}

/**
 * How long what is open will take, in words. A task without a pace is taken for the mean of the others.
 * @param parallel episodes that are played at the same time
 * @returns undefined when nothing is known
 */
export function estimate(open: readonly Unit[], paces: readonly TaskPace[], parallel: number): string | undefined {
  if (open.length === 0 || paces.length === 0) return undefined;
  const mean = paces.reduce((sum, { seconds }) => sum + seconds, 0) / paces.length;
  const known = new Map(paces.map(({ task, seconds }) => [task, seconds]));
  const total = open.reduce((sum, { task }) => sum + (known.get(task) ?? mean), 0);
  const begun = paces.some(({ from }) => from === 'steps');
  const time = duration(total / Math.max(1, Math.min(parallel, open.length)));
  const words = begun ? `at most ${time}, when all last to their time-outs` : `about ${time}`;
  return `${open.length} episodes to play: ${words}.`;
}

/** How an evaluation goes, for who waits: each task's episodes, score so far with its interval, and time left. */
export class Course {
  private readonly started: number;
  private busy = 0;

  /** @param now seconds, of any beginning */
  constructor(
    private readonly units: readonly Unit[],
    private readonly lines: readonly LedgerLine[],
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    this.started = now();
  }

  /** An attempt was made in this run. */
  add({ seconds }: LedgerLine): void {
    this.busy += seconds;
  }

  /** One line a task. */
  report(): string[] {
    const { units, lines } = this;
    const summary = summariseLedger(lines);
    const open = openUnits(units, lines);
    const paces = paceOfLines(lines);
    const elapsed = this.now() - this.started;
    // What was played at the same time, on average; before the first end nothing is known.
    const parallel = elapsed > 0 ? this.busy / elapsed : 0;
    return [...new Set(units.map(({ task }) => task))].map((task) => {
      const all = units.filter((unit) => unit.task === task).length;
      const left = open.filter(({ unit }) => unit.task === task).length;
      const score = summary.tasks[task];
      const pace = paces.find((one) => one.task === task)?.seconds ?? Number.NaN;
      const q =
        score && score.episodes > 0
          ? ` · q ${score.q.toFixed(2)} [${score.low.toFixed(2)}, ${score.high.toFixed(2)}]`
          : '';
      const time = left === 0 ? 'done' : `${duration((left * pace) / parallel)} left`;
      return `  ${task} ${all - left}/${all}${q} · ${time}`;
    });
  }
}
