import { type Edition, timeScore } from './edition.ts';
import type { OfficialFile } from './officialFolder.ts';

/** Means over rollouts, a missing one 0. */
export interface OfficialScores {
  /** The score that ranks. */
  readonly q: number;
  /** Share of rollouts with q = 1. */
  readonly success: number;
  /** What the rollouts without success bring: q minus success. */
  readonly partial: number;
  readonly time: number;
  /** Human metres / metres; infinite where an agent did not move. */
  readonly base: number;
  readonly left: number;
  readonly right: number;
}

const KEYS = ['q', 'success', 'partial', 'time', 'base', 'left', 'right'] as const;

/** A folder's scores: overall and by task. */
export interface Leaderboard {
  readonly overall: OfficialScores;
  readonly tasks: Readonly<Record<string, OfficialScores & { readonly rollouts: number }>>;
}

/**
 * Scores as the challenge computes them (docs/facts.md#scores): sums over a task's rollouts divided by the number
 * that there should be, then the mean over all tasks of the year.
 */
export function leaderboard(files: readonly Pick<OfficialFile, 'task' | 'record'>[], edition: Edition): Leaderboard {
  const byTask = new Map<string, OfficialScores[]>();
  for (const { task, record } of files) {
    const q = record.q_score.final;
    const success = q === 1 ? 1 : 0;
    const scores = {
      q,
      success,
      partial: q - success,
      time: timeScore(edition, record.time.normalized_time),
      ...record.normalized_agent_distance,
    };
    byTask.set(task, [...(byTask.get(task) ?? []), scores]);
  }
  const tasks = Object.fromEntries(
    [...byTask].map(([task, scores]) => [task, { ...total(scores, edition.perTask), rollouts: scores.length }]),
  );
  return { overall: total(Object.values(tasks), edition.tasks), tasks };
}

const total = (scores: readonly OfficialScores[], count: number): OfficialScores =>
  Object.fromEntries(KEYS.map((key) => [key, scores.reduce((sum, one) => sum + one[key], 0) / count])) as Record<
    (typeof KEYS)[number],
    number
  >;

/** A folder in the order of the leaderboard. */
export interface Ranked {
  readonly name: string;
  readonly overall: OfficialScores;
  readonly rank: number;
}

/** The challenge's order: by q; equal ones by the mean of the three distance scores, then by time. */
export function ranking(entries: readonly Omit<Ranked, 'rank'>[]): Ranked[] {
  const distance = ({ base, left, right }: OfficialScores) => (base + left + right) / 3;
  const order = (a: OfficialScores, b: OfficialScores) =>
    compare(b.q, a.q) || compare(distance(b), distance(a)) || compare(b.time, a.time);
  const sorted = [...entries].sort((a, b) => order(a.overall, b.overall));
  let rank = 0;
  return sorted.map((entry, i) => {
    const before = sorted[i - 1];
    if (!before || order(before.overall, entry.overall) !== 0) rank = i + 1;
    return { ...entry, rank };
  });
}

/** Differences of rounding are none. Infinite values are equal to each other. */
const compare = (a: number, b: number): number => (a === b || Math.abs(a - b) < 1e-12 ? 0 : a - b);
