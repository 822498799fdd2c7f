import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Random } from '../../src/base/index.ts';
import { contentOf, differences, ledgerLength, Program, playersOf } from '../../test/support/killedEvaluation.ts';
import type { Check } from '../check.ts';
import { RedisServer } from './redis.ts';
import { checkStatistics } from './statistics.ts';

const WORKERS = 2;
/** What is killed, in turns; Redis comes back with its data, or without any. */
const VICTIMS = ['a worker', 'the coordinator', 'Redis', 'a worker', 'the coordinator', 'Redis, emptied'] as const;

/**
 * `valet eval --queue`, `valet stats --queue` and `valet worker` over a real Redis: what in-process workers make, made
 * by processes of which each is killed at random moments. `--only statistics` or `--only evaluations` leaves out the
 * other part; `--kills 12 --policy household --instances 0-9 --max-steps 60 --seed TEXT` are of the evaluations.
 */
export const check: Check = async (report, args = []) => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '12' },
      policy: { type: 'string', default: 'household' },
      instances: { type: 'string', default: '0-9' },
      'max-steps': { type: 'string', default: '60' },
      seed: { type: 'string', default: 'queue' },
      only: { type: 'string' },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), 'valet-queue-'));
  await mkdir(join(folder, 'redis'));
  const redis = await RedisServer.start(join(folder, 'redis'));
  const random = Random.of('queue', values.seed);
  const path = (name: string) => join(folder, name);
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const valet = (...words: string[]) => new Program(process.execPath, ['--import', 'tsx', main, ...words]);
  const evaluation = (name: string, ...more: string[]) =>
    valet(
      ...['eval', '--policy', values.policy, '--instances', values.instances, '--max-steps', values['max-steps']],
      ...['--out', path(name), '--no-report', '--json', ...more],
      ...(existsSync(join(path(name), 'run.json')) ? ['--resume'] : []),
    );
  const worker = () => valet('worker', redis.url, '--workers', '2');
  const workers: Program[] = [];
  try {
    while (workers.length < WORKERS) workers.push(worker());
    if (values.only !== 'evaluations') await checkStatistics({ folder, redis, random, workers, worker, valet, report });
    if (values.only === 'statistics') return;
    const quiet = evaluation('quiet', '--workers', '2');
    report('in-process workers play an evaluation', (await quiet.ended) === 0);
    const wanted = await contentOf(path('quiet'));
    const same = async (name: string) => {
      const wrong = differences(wanted, await contentOf(path(name)));
      return { ok: wrong.length === 0, detail: wrong.slice(0, 3).join(', ') || `${Object.keys(wanted).length} pieces` };
    };

    const queued = evaluation('queued', '--queue', redis.url);
    const code = await queued.ended;
    report('so do workers over a queue', code === 0, code === 0 ? '' : queued.said);
    const { ok, detail } = await same('queued');
    report('ledger, official files and recordings are the same, byte for byte', ok, detail);
    const by = await playersOf(path('queued'));
    report('the ledger names who played', by.length > 1, by.join(', '));
    const keys = await redis.ask((client) => client.keys('valet:*'));
    report(
      'and nothing stays in Redis',
      keys.every((key) => key.startsWith('valet:announced:')),
      keys.join(', '),
    );

    // One that is told to end gives its episodes back at once.
    const handing = evaluation('handed', '--queue', redis.url);
    await until(async () => (await ledgerLength(path('handed'))) > 0, handing);
    const leaving = workers[0] as Program;
    await leaving.kill('SIGTERM');
    report('a worker that is told to end ends with 0', (await leaving.ended) === 0, leaving.said.split('\n').at(-2));
    workers[0] = worker();
    const given = await handing.ended;
    report('and its episodes are played by others', given === 0 && (await same('handed')).ok);

    const killed: Record<string, number> = {};
    let [kills, runs] = [0, 0];
    while (kills < Number(values.kills)) {
      const name = `killed-${runs++}`;
      let coordinator = evaluation(name, '--queue', redis.url);
      while (coordinator.isAlive) {
        await Promise.race([coordinator.ended, sleep(8000 * random.uniform())]);
        if (!coordinator.isAlive || kills >= Number(values.kills)) {
          await coordinator.ended;
          break;
        }
        const victim = VICTIMS[kills++ % VICTIMS.length] as (typeof VICTIMS)[number];
        killed[victim] = (killed[victim] ?? 0) + 1;
        if (victim === 'a worker') {
          const which = random.integer(WORKERS);
          await workers[which]?.kill();
          workers[which] = worker();
        } else if (victim === 'the coordinator') {
          await coordinator.kill();
          await sleep(2000 * random.uniform());
          coordinator = evaluation(name, '--queue', redis.url);
        } else {
          // A coordinator that finds no Redis at its start rightly ends; what counts is one that loses it.
          await until(() => redis.isUsedBy('valet-coordinator'), coordinator);
          await redis.kill();
          await sleep(3000 * random.uniform());
          await redis.restart({ empty: victim === 'Redis, emptied' });
        }
      }
      const ended = await coordinator.ended;
      const told = Object.entries(killed).map(([who, count]) => `${who} ${count}`);
      report(
        `evaluation ${runs} ends well`,
        ended === 0,
        ended === 0 ? `killed so far: ${told.join(', ')}` : coordinator.said,
      );
      const found = await same(name);
      report('with the ledger, files and recordings of an undisturbed one', found.ok, found.detail);
      const line = (said: string) => said.split('\n').find((text) => text.startsWith('{"episodes"')) ?? '';
      const scores = (said: string) => JSON.stringify({ ...JSON.parse(line(said)), out: undefined });
      report('and its scores', ended === 0 && scores(coordinator.said) === scores(quiet.said));
    }

    const other = valet(
      'eval',
      '--policy',
      'hold',
      '--instances',
      '0',
      '--out',
      path('nobody'),
      '--queue',
      'redis://127.0.0.1:1',
    );
    report('no Redis there: said at once', (await other.ended) === 1 && /no Redis answers there/.test(other.said));
    report('and nothing is left behind', !existsSync(path('nobody')));
    const log = await readFile(join(path('queued'), 'run.json'), 'utf8');
    report('the address is nowhere in the folder', !log.includes(redis.url));
  } finally {
    await Promise.all(workers.map((one) => one.kill()));
    await redis.kill();
    await rm(folder, { recursive: true, force: true });
  }
};

async function until(condition: () => Promise<boolean>, program: Program): Promise<void> {
  while (program.isAlive && !(await condition())) await sleep(50);
}
