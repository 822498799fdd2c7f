import { describe, expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { compareScores, readLines, type ScoreLine } from './compareScores.ts';

const random = Random.of('compareScores');
/** q of 12 instances × 5 seeds, in thirds. */
const played = (chance: number, rollouts: readonly number[]): ScoreLine[] =>
  rollouts.flatMap((rollout) =>
    Array.from({ length: 12 }, (_, instance) => ({
      task: 'a',
      instance,
      rollout,
      state: 'done',
      q: [0, 1, 2].filter(() => random.uniform() < chance).length / 3,
      steps: 100 + random.integer(200),
    })),
  );
const committed = played(0.6, [0, 1, 2, 3, 4]);
const part = committed.filter(({ rollout, instance }) => rollout === 0 && instance < 12);

describe('compareScores', () => {
  it('lets pass what is the same, and names what is not', () => {
    expect(compareScores(part, committed, true)).toEqual([]);
    const moved = part.map((line, i) => (i === 3 ? { ...line, steps: line.steps + 1 } : line));
    expect(compareScores(moved, committed, true)).toEqual([expect.stringMatching(/^a_3_0: q .* in the ledger q /)]);
    expect(compareScores([], committed, true)).toEqual(['nothing was played again']);
    expect(compareScores([{ ...part[0]!, instance: 99 }], committed, true)).toEqual([
      expect.stringMatching(/a_99_0 is not/),
    ]);
  });

  it('on another processor lets other noise pass, and no worse policy', () => {
    let refused = 0;
    for (let trial = 0; trial < 50; trial++)
      if (compareScores(played(0.6, [0]), committed, false).length > 0) refused++;
    expect(refused).toBeLessThanOrEqual(2);
    expect(compareScores(played(0.1, [0]), committed, false)[0]).toMatch(/mean q moved by -0\./);
  });
});

it('reads counted lines alone', () => {
  const [line] = part as [ScoreLine];
  const text = `${JSON.stringify(line)}\n${JSON.stringify({ ...line, state: 'invalid', more: 1 })}\n`;
  expect(readLines(text)).toEqual([line]);
});
