import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ledgerLine, temporaryFolder } from '../../../test/support/evaluate.ts';
import { homeTask } from '../../home/index.ts';
import { readLedger } from '../ledger/index.ts';
import { inEvaluationFolder } from '../rollouts/evaluationFolder.ts';
import { summariseLedger } from '../scores/index.ts';
import type { SequentialResult } from './sequentially.ts';
import { playUntilDecided } from './untilDecided.ts';

const root = await temporaryFolder();
const maxSteps = 400;

/** An evaluation of a policy whose episodes of these instances are done. */
async function begun(kind: 'hold' | 'expert', count: number, task = 'turning_on_radio'): Promise<string> {
  const out = join(root, `${kind}-${task}-${count}`);
  const instances = Array.from({ length: count }, (_, i) => i);
  const q = kind === 'hold' ? 0 : 1;
  const identity = { policy: { kind }, seed: '0', maxSteps, tasks: [homeTask(task)], instances, rollouts: 1 };
  await inEvaluationFolder(out, identity, false, async (book) => {
    for (const instance of instances) await book.append(ledgerLine({ task, instance, q, success: q === 1 }));
    return summariseLedger(book.lines);
  });
  return out;
}

describe('playUntilDecided', { timeout: 240_000 }, () => {
  it('plays what each side lacks, then further instances, and stops where it is decided', async () => {
    const [a, b] = [await begun('hold', 5), await begun('expert', 9)];
    const heard: SequentialResult[] = [];
    const onPairs = (one: SequentialResult) => void heard.push(one);
    const known = await playUntilDecided({ a, b, limit: 50, silent: true, workers: 1, onPairs });
    expect(known).toMatchObject({ verdict: 'b', instances: 8 });
    expect(known.low).toBeGreaterThan(0);
    expect(heard.map(({ verdict }) => verdict)).toEqual([null, 'b']);
    for (const [folder, q] of [
      [a, 0],
      [b, 1],
    ] as const) {
      const lines = await readLedger(folder);
      expect(lines.map(({ instance }) => instance).sort((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(lines.map((line) => line.q)).toEqual(new Array(10).fill(q));
    }
  });

  it('stops at the limit, and finds alike what does the same', async () => {
    const a = await begun('hold', 10);
    expect(await playUntilDecided({ a, b: a, limit: 9 })).toMatchObject({ verdict: null, instances: 9 });
    expect(await playUntilDecided({ a, b: a, limit: 10, margin: 0.7 })).toMatchObject({ verdict: 'alike' });
  });

  it('refuses what has no task in common', async () => {
    const [a, b] = [await begun('hold', 1), await begun('hold', 1, 'picking_up_trash')];
    await expect(playUntilDecided({ a, b, limit: 1 })).rejects.toThrow(/share no task/);
  });
});
