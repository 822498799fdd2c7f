import { ValetError } from '../errors.ts';
import { connectRedis, parseRedisUrl, redisName } from './redis.ts';
import { announcedRuns, type SeenRun } from './runs.ts';
import type { JobHandler, JobSession } from './session.ts';
import { Shift } from './shift.ts';
import { pause, unlessAborted } from './wait.ts';

/** Between two looks at which runs there are. */
const LOOK_MS = 1000;

export interface ServeJobsOptions {
  /** By the kind of their jobs. */
  readonly handlers: Readonly<Record<string, JobHandler>>;
  /** Jobs at the same time. */
  readonly slots: number;
  /** Ends the work: jobs under way are given back. */
  readonly signal: AbortSignal;
  /** Ends the work when there was none for so long. */
  readonly idleMs?: number | undefined;
  readonly say?: ((line: string) => void) | undefined;
}

/**
 * Works on whatever runs are announced in a Redis, one run after the other, until the signal.
 * @returns how many jobs were done
 * @throws InputError for an address that is none, UnreachableError when no Redis is there at the beginning
 */
export async function serveJobs(address: string, options: ServeJobsOptions): Promise<number> {
  const url = parseRedisUrl(address);
  const { handlers, slots, signal, idleMs = Number.POSITIVE_INFINITY, say } = options;
  const redis = await connectRedis(url, 'valet-worker', (state) =>
    say?.(state === 'away' ? `${redisName(url)} went away; waiting for it.` : `${redisName(url)} is back.`),
  );
  const refused = new Set<string>();
  const seenRuns = async () =>
    (await unlessAborted(announcedRuns(redis), signal)).filter(({ text }) => !refused.has(text));
  let done = 0;
  let worked = performance.now();
  const begin = async (run: SeenRun): Promise<void> => {
    const { kind, settings } = run.announcement;
    let session: JobSession;
    try {
      const handler = handlers[kind];
      if (!handler) throw new ValetError('valet worker', `it knows no jobs of the kind ${kind}. Use a newer Valet.`);
      session = await handler(settings, slots);
    } catch (error) {
      refused.add(run.text);
      return say?.(`not for this machine: ${(error as Error).message}`);
    }
    done += await new Shift(redis, run, session, { slots, signal, seenRuns }).work();
    worked = performance.now();
  };
  try {
    while (!signal.aborted && performance.now() - worked < idleMs) {
      const next = (await seenRuns()).find(({ waiting, active }) => waiting + active > 0);
      if (next) await begin(next);
      else await pause(LOOK_MS, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    redis.disconnect();
  }
  return done;
}
