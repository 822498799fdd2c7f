import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { contentOf, ledgerLength, Program } from '../../../test/support/killedEvaluation.ts';
import { evaluate } from './evaluate.ts';

const root = await temporaryFolder();
const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const tasks = ['turning_on_radio'];
const instances = [0, 1, 2, 3];

// The long form, with twenty kills: test/fuzz/killedEvaluation.ts.
it('an evaluation that is killed and gone on with comes to what an undisturbed one does', {
  timeout: 240_000,
}, async () => {
  const out = join(root, 'killed');
  const command = (...more: string[]) =>
    new Program(process.execPath, [
      ...['--import', 'tsx', main, 'eval', '--policy', 'expert', '--tasks', tasks.join(), '--instances', '0-3'],
      ...['--max-steps', '60', '--workers', '1', '--out', out, '--no-report', '--quiet', ...more],
    ]);
  const first = command();
  await expect
    .poll(async () => !first.isAlive || (await ledgerLength(out)) >= 1, { timeout: 200_000, interval: 20 })
    .toBe(true);
  await first.kill();
  expect(await ledgerLength(out)).toBeGreaterThan(0);
  const second = command('--resume');
  expect([await second.ended, second.said]).toEqual([0, expect.stringContaining('mean over tasks')]);
  const quiet = join(root, 'quiet');
  await evaluate({ policy: { kind: 'expert' }, tasks, instances, maxSteps: 60, out: quiet, silent: true });
  expect(Object.keys(await contentOf(quiet)).filter((name) => name.startsWith('ledger'))).toHaveLength(4);
  expect(await contentOf(out)).toEqual(await contentOf(quiet));
});
