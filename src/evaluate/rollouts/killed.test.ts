import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { contentOf, ledgerLength, Program } from '../../../test/support/killedEvaluation.ts';
import { writeTinyPolicy } from '../../../test/support/model.ts';
import { evaluate } from './evaluate.ts';

const root = await temporaryFolder();
const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const tasks = ['turning_on_radio', 'picking_up_trash'];

// The long form, with twenty kills: test/fuzz/killedEvaluation.ts. The timeout is for what hangs: on a busy machine
// each of the two programs may need minutes to begin.
it('an evaluation that is killed and gone on with comes to what an undisturbed one does', {
  timeout: 3_600_000,
}, async () => {
  const [policy, out, quiet] = [join(root, 'policy'), join(root, 'killed'), join(root, 'quiet')];
  await writeTinyPolicy(policy);
  const command = (...more: string[]) =>
    new Program(process.execPath, [
      ...['--import', 'tsx', main, 'eval', '--policy', policy, '--tasks', tasks.join(), '--instances', '0-1'],
      ...['--max-steps', '45', '--workers', '1', '--out', out, '--no-report', '--quiet', ...more],
    ]);
  // Two episodes under way when it is killed, their plans in one pass; three afterwards.
  const first = command('--environments', '2');
  while (first.isAlive && (await ledgerLength(out)) < 1) await sleep(20);
  await first.kill();
  expect(await ledgerLength(out), first.said).toBeGreaterThan(0);
  const second = command('--environments', '3', '--resume');
  expect([await second.ended, second.said]).toEqual([0, expect.stringContaining('mean over tasks')]);
  const spec = { kind: 'checkpoint', folder: policy } as const;
  await evaluate({ policy: spec, tasks, instances: [0, 1], maxSteps: 45, out: quiet, silent: true });
  expect(Object.keys(await contentOf(quiet)).filter((name) => name.startsWith('ledger'))).toHaveLength(4);
  expect(await contentOf(out)).toEqual(await contentOf(quiet));
});
