import { z } from 'zod';

/** What is compared of a ledger's line. */
const Line = z.object({
  task: z.string(),
  instance: z.number(),
  rollout: z.number(),
  state: z.string(),
  q: z.number(),
  steps: z.number(),
});
export type ScoreLine = z.infer<typeof Line>;

export const readLines = (text: string): ScoreLine[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => Line.parse(JSON.parse(line)))
    .filter(({ state }) => state === 'done');

/** Beyond chance by so many standard errors, and by so much besides, scores have moved. */
const STANDARD_ERRORS = 3;
const SLACK = 0.05;

/**
 * Whether episodes that were played again are those of a committed ledger.
 *
 * On the machine of the ledger every episode must end the same way after the same number of steps. Other processors
 * round otherwise, and a rollout that differs in its last bits soon differs in everything; there the mean must be one
 * that other noise could have given, by what the ledger's seeds differ for the same instance.
 * @returns what is wrong, a line each; none when the scores stand
 */
export function compareScores(
  again: readonly ScoreLine[],
  committed: readonly ScoreLine[],
  sameMachine: boolean,
): string[] {
  const name = ({ task, instance, rollout }: ScoreLine) => `${task}_${instance}_${rollout}`;
  const known = new Map(committed.map((line) => [name(line), line]));
  const unknown = again.filter((line) => !known.has(name(line))).map((line) => `${name(line)} is not in the ledger`);
  if (again.length === 0) return ['nothing was played again'];
  if (unknown.length > 0) return unknown;
  const moved = again.flatMap((line) => {
    const before = known.get(name(line)) as ScoreLine;
    const [now, then] = [line, before].map(({ q, steps }) => `q ${q.toFixed(3)} after ${steps} steps`);
    return now === then ? [] : [`${name(line)}: ${now}, in the ledger ${then}`];
  });
  if (sameMachine || moved.length === 0) return moved;
  let difference = 0;
  let variance = 0;
  for (const line of again) {
    const seeds = committed
      .filter(({ task, instance }) => task === line.task && instance === line.instance)
      .map(({ q }) => q);
    const mean = seeds.reduce((sum, q) => sum + q, 0) / seeds.length;
    difference += (line.q - mean) / again.length;
    const spread = seeds.reduce((sum, q) => sum + (q - mean) ** 2, 0) / Math.max(1, seeds.length - 1);
    variance += (spread * (1 + 1 / seeds.length)) / again.length ** 2;
  }
  const bound = STANDARD_ERRORS * Math.sqrt(variance) + SLACK;
  if (Math.abs(difference) <= bound) return [];
  return [`the mean q moved by ${difference.toFixed(3)}, more than chance explains (${bound.toFixed(3)})`, ...moved];
}
