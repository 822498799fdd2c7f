import type { StatisticsState, Tails } from '../../action/index.ts';
import { InputError, type JobHandler, packageVersion, requireVersions, WorkerClient } from '../../base/index.ts';
import { dataFingerprint } from '../fingerprint.ts';
import type { OpenStatistics } from './statistics.worker.ts';
import { pack, packState, type StatisticsJob, type StatisticsRun, unpackBytes } from './statisticsJob.ts';

export const statisticsVersions = (): Record<string, string> => ({ valet: packageVersion() });

export interface StatisticsHandlerOptions {
  /** Data sets on this machine that may lie elsewhere than where they were given out. */
  readonly folders: readonly string[];
  readonly say?: ((line: string) => void) | undefined;
}

/** Adds up episodes for statistics elsewhere, each job in a thread of its own. */
export function statisticsHandler({ folders, say }: StatisticsHandlerOptions): JobHandler {
  return async (settings, slots) => {
    const { sets, robot, chunks, versions } = settings as StatisticsRun;
    requireVersions(versions, statisticsVersions());
    const here = await Promise.all(sets.map((set) => placeHere(set, folders)));
    const open: OpenStatistics = { sets: here, robot, chunks };
    const clients = Array.from({ length: slots }, () => WorkerClient.start('data/statistics/statistics.worker'));
    const free = [...clients];
    await Promise.all(clients.map((client) => client.call('open', open)));
    say?.(`adding up ${here.map(({ root }) => root).join(', ')}`);
    return {
      async run(argument, signal) {
        const { jobs, want } = argument as StatisticsJob;
        const client = free.pop();
        if (!client) throw new InputError('valet worker', `got more than ${slots} jobs at a time.`);
        try {
          await client.call('reset', { framesOnly: want !== 'sums' });
          for (const job of jobs) {
            signal.throwIfAborted();
            await client.call('add', job, { signal });
          }
          if (want === 'sums') return packState(await client.call<StatisticsState>('state'));
          if ('sample' in want) return pack(await client.call<Float32Array>('sample', want.sample));
          const bounds = new Float32Array(unpackBytes('job', want.tails));
          const { counts, sizes, values } = await client.call<Tails>('tails', bounds);
          return { counts: pack(counts), sizes: pack(sizes), values: pack(values) };
        } finally {
          free.push(client);
        }
      },
      async close() {
        await Promise.all(clients.map((client) => client.close()));
      },
    };
  };
}

/** A set as this machine has it. @throws InputError when nothing here has its content */
async function placeHere(
  { fingerprint, ...place }: StatisticsRun['sets'][number],
  folders: readonly string[],
): Promise<OpenStatistics['sets'][number]> {
  for (const root of [place.root, ...folders])
    if ((await dataFingerprint([root])) === fingerprint) return { ...place, root };
  throw new InputError(
    'valet worker',
    `the data set ${place.root} is not here with the content that was named. Copy it to the same place, or name a ` +
      'copy by --data.',
  );
}
