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
 * recordings must equal those of an evaluation that nobody disturbed. A kill comes a random while after a random number
 * of lines was booked, so that the kills lie all over the evaluation however slow the machine is. Prints one JSON
 * object; exit code 1 when something was lost, doubled or changed.
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

/** After how many booked lines an evaluation is killed, ascending; ten times at most. */
function targetsOf(units: number, left: number): number[] {
  const anywhere = random.shuffle(Array.from({ length: units }, (_, i) => i));
  return anywhere.slice(0, Math.min(left, 10)).sort((a, b) => a - b);
}

try {
  const started = performance.now();
  const quiet = evaluation(join(folder, 'quiet'), '1');
  if ((await quiet.ended) !== 0) throw new Error(`the undisturbed evaluation failed:\n${quiet.said}`);
  const wanted = await contentOf(join(folder, 'quiet'));
  const units = Object.keys(wanted).filter((name) => name.startsWith('ledger')).length;
  const scores = (said: string) => JSON.stringify({ ...JSON.parse(said), out: undefined });
  const wrong: string[] = [];
  const progress = new Progress('kills', kills, { unit: 'kills' });
  /** Milliseconds of one episode, played by one worker. */
  const episode = (performance.now() - started) / units;
  /** Lines that were booked when a kill came. */
  const moments: number[] = [];
  let evaluations = 0;
  while (moments.length < kills) {
    const out = join(folder, `killed-${evaluations++}`);
    const targets = targetsOf(units, kills - moments.length);
    let said = '';
    for (let over = false; !over; ) {
      const program = evaluation(out, values.workers);
      const target = targets.shift();
      if (target !== undefined) {
        while (program.isAlive && (await ledgerLength(out)) < target) await sleep(20);
        await Promise.race([program.ended, sleep(episode * random.uniform())]);
        const alive = program.isAlive;
        await program.kill();
        if (alive) moments.push(await ledgerLength(out));
        progress.at(moments.length);
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
    kills: moments.length,
    bookedWhenKilled: moments,
    evaluations,
    units,
    workers: Number(values.workers),
  };
  process.stdout.write(`${JSON.stringify({ ...report, seconds, wrong })}\n`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}
