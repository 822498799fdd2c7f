import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/base/index.ts';
import { serveFiles } from '../../test/support/fileServer.ts';
import type { Program } from '../../test/support/killedEvaluation.ts';
import { writeFakeSet } from '../../test/support/training.ts';
import type { RedisServer } from './redis.ts';

const EPISODES = 24;
/** Each is killed once while statistics are under way; Redis comes back with its data, or without any. */
const VICTIMS = ['a worker', 'the coordinator', 'Redis', 'Redis, emptied'] as const;

export interface StatisticsCheck {
  readonly folder: string;
  readonly redis: RedisServer;
  readonly random: Random;
  readonly workers: Program[];
  readonly worker: () => Program;
  readonly valet: (...words: string[]) => Program;
  readonly report: (what: string, ok: boolean, detail?: string) => void;
}

/** `valet stats --queue`: the bytes of threads in one process, whoever is killed; also of a set on a server. */
export async function checkStatistics(about: StatisticsCheck): Promise<void> {
  const { folder, redis, random, workers, worker, valet, report } = about;
  const data = join(folder, 'data');
  await writeFakeSet(
    data,
    Array.from({ length: EPISODES }, (_, seed) => ({ seed, length: 60 + seed, instance: seed })),
  );
  const out = (name: string) => join(folder, `stats-${name}`);
  const stats = (name: string, ...more: string[]) => valet('stats', data, '--out', out(name), '--quiet', ...more);
  const bytes = (name: string) => readFile(join(out(name), 'norm_stats.json'), 'utf8').catch(() => '');
  for (const memory of ['4', '0']) {
    const options = ['--memory', memory];
    const quiet = stats(`threads-${memory}`, ...options);
    report(`threads compute statistics (--memory ${memory})`, (await quiet.ended) === 0, quiet.said);
    const wanted = await bytes(`threads-${memory}`);
    const queued = stats(`queued-${memory}`, ...options, '--queue', redis.url);
    report('so do workers over a queue', (await queued.ended) === 0, queued.said);
    report('to the same bytes', wanted !== '' && (await bytes(`queued-${memory}`)) === wanted);
    for (const victim of VICTIMS) {
      const name = `${victim.replaceAll(/\W+/g, '-')}-${memory}`;
      let coordinator = stats(name, ...options, '--queue', redis.url);
      // As soon as something is booked: the work is under way.
      const part = join(out(name), '.norm_stats.json.part');
      while (coordinator.isAlive && (await readFile(part).catch(() => undefined)) === undefined) await sleep(5);
      await sleep(300 * random.uniform());
      const midway = coordinator.isAlive;
      if (victim === 'a worker') {
        await workers[0]?.kill();
        workers[0] = worker();
      } else if (victim === 'the coordinator') {
        await coordinator.kill();
        coordinator = stats(name, ...options, '--queue', redis.url, ...(midway ? [] : ['--force']));
      } else {
        await redis.kill();
        await sleep(1000);
        await redis.restart({ empty: victim === 'Redis, emptied' });
      }
      const code = await coordinator.ended;
      report(`${victim} is killed${midway ? ' meanwhile' : ' at the end'}: it ends well`, code === 0, coordinator.said);
      report('with the same bytes', (await bytes(name)) === wanted);
    }
    await using server = await serveFiles(data);
    const name = `remote-${memory}`;
    const words = ['--out', out(name), '--quiet', ...options, '--queue', redis.url];
    const remote = valet('stats', `${server.address}/`, ...words);
    report('the set on a server: workers fetch what they add up', (await remote.ended) === 0, remote.said);
    report('with the same bytes', (await bytes(name)) === wanted);
  }
}
