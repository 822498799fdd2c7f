import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Progress, Random } from '../../src/base/index.ts';
import { contentOf, differences, ledgerLength, Program } from '../support/killedEvaluation.ts';

/**
 * An evaluation that is killed (SIGKILL) at random moments and gone on with: npx tsx test/fuzz/killedEvaluation.ts
 * [--kills 20] [--workers 4] [--policy household] [--seed TEXT], after npm run build. Ledger, official files and
 * recordings must equal those of an evaluation that nobody disturbed. Prints one JSON object; exit code 1 when
 * something was lost, doubled or changed.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    workers: { type: 'string', default: '4' },
    policy: { type: 'string', default: 'household' },
    instances: { type: 'string', default: '0-9' },
    steps: { type: 'string', default: '60' },
    seed: { type: 'string', default: 'killed' },
  },
});
const valet = fileURLToPath(new URL('../../dist/valet.js', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'valet-killed-'));
const random = Random.of('killedEvaluation', values.seed);
const kills = Number(values.kills);

const evaluation = (out: string, workers: string): Program =>
  new Program(process.execPath, [
    ...[valet, 'eval', '--policy', values.policy, '--instances', values.instances, '--max-steps', values.steps],
    ...['--out', out, '--workers', workers, '--no-report', '--json', '--quiet'],
    ...(existsSync(join(out, 'run.json')) ? ['--resume'] : []),
  ]);

try {
  const started = performance.now();
  const quiet = evaluation(join(folder, 'quiet'), '1');
  if ((await quiet.ended) !== 0) throw new Error(`the undisturbed evaluation failed:\n${quiet.said}`);
  const wanted = await contentOf(join(folder, 'quiet'));
  const units = Object.keys(wanted).filter((name) => name.startsWith('ledger')).length;
  const scores = (said: string) => JSON.stringify({ ...JSON.parse(said), out: undefined });
  const wrong: string[] = [];
  const progress = new Progress('kills', kills, { unit: 'kills' });
  let [killed, evaluations, whilePlaying] = [0, 0, 0];
  /** Milliseconds of the undisturbed one, by one worker. */
  const whole = performance.now() - started;
  while (killed < kills) {
    const out = join(folder, `killed-${evaluations++}`);
    let said = '';
    for (let over = false; !over; ) {
      const before = await ledgerLength(out);
      const program = evaluation(out, values.workers);
      if (killed < kills) {
        // Anywhere: while it starts, while it plays, between two lines.
        await Promise.race([program.ended, sleep(0.6 * whole * random.uniform())]);
        if (program.isAlive) killed++;
        await program.kill();
        if ((await ledgerLength(out)) > before) whilePlaying++;
        progress.at(killed);
      }
      const code = await program.ended;
      over = code !== 'SIGKILL';
      if (over && code !== 0) wrong.push(`evaluation ${evaluations} ended with ${code}: ${program.said}`);
      said = program.said;
    }
    const found = differences(wanted, await contentOf(out));
    wrong.push(...found.map((name) => `evaluation ${evaluations}: ${name}`));
    if (wrong.length === 0 && scores(said) !== scores(quiet.said))
      wrong.push(`evaluation ${evaluations}: other scores`);
  }
  progress.end();
  const seconds = Math.round((performance.now() - started) / 1000);
  const report = {
    kills: killed,
    ofThemWhilePlaying: whilePlaying,
    evaluations,
    units,
    workers: Number(values.workers),
  };
  process.stdout.write(`${JSON.stringify({ ...report, seconds, wrong })}\n`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}
