import { readFileSync } from 'node:fs';
import type { Random } from '../../src/base/index.ts';

/** What simulated studies look like. */
export interface Shape {
  readonly tasks: number;
  /** Paired episodes of a task. */
  readonly pairs: number;
  /** Share of the pairs in which both policies do the same. */
  readonly ties: number;
  /** The second policy has scores of another task; else both have the same scores. */
  readonly apart: boolean;
}

/** q of the 2025 winner's ten public episodes of each of the 50 tasks (docs/facts.md): half of them are 0. */
const SCORES = Object.values(
  JSON.parse(readFileSync(new URL('../../examples/behavior-2025-winner.json', import.meta.url), 'utf8')) as Record<
    string,
    number[]
  >,
);

/** What simulated evaluations of one policy look like. */
export interface ScoreShape {
  readonly tasks: number;
  readonly episodes: number;
}

/** Draws evaluations of a policy that has the winner's scores: those of each task, and the true mean over tasks. */
export function* scoreStudies({ tasks, episodes }: ScoreShape, count: number, random: Random) {
  for (let i = 0; i < count; i++) {
    const own = Array.from({ length: tasks }, () => SCORES[random.integer(SCORES.length)] ?? []);
    yield {
      truth: mean(own.map(mean)),
      tasks: own.map((scores) =>
        Array.from({ length: episodes }, (_, instance) => ({
          ...{ instance, rollout: 0 },
          q: scores[random.integer(scores.length)] ?? 0,
        })),
      ),
    };
  }
}

/** One simulated study: paired differences by task, and the true mean difference. */
export interface Study {
  readonly differences: readonly number[][];
  readonly truth: number;
}

/** Draws studies; each has its own tasks and its own true difference. */
export function* studies(shape: Shape, count: number, random: Random): Generator<Study> {
  for (let i = 0; i < count; i++) yield study(shape, random);
}

function study({ tasks, pairs, ties, apart }: Shape, random: Random): Study {
  const any = (): readonly number[] => SCORES[random.integer(SCORES.length)] ?? [];
  const from = (scores: readonly number[]): number => scores[random.integer(scores.length)] ?? 0;
  let truth = 0;
  const differences = Array.from({ length: tasks }, () => {
    const first = any();
    const second = apart ? any() : first;
    truth += ((1 - ties) * (mean(second) - mean(first))) / tasks;
    return Array.from({ length: pairs }, () => {
      const a = from(first);
      return (random.uniform() < ties ? a : from(second)) - a;
    });
  });
  return { differences, truth };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
