import type { Redis } from 'ioredis';
import { type Announcement, announcementKey, OVER, PREFIX, parseAnnouncement, RUNS } from './messages.ts';

/** A run as a worker sees it. */
export interface SeenRun {
  /** The announcement as it stands in Redis; another text is another run for the worker. */
  readonly text: string;
  readonly announcement: Announcement;
  /** Jobs that wait. */
  readonly waiting: number;
  /** Jobs that somebody does, who may have died. */
  readonly active: number;
}

/** Every announced run, those where jobs wait first. What nobody announces any more is taken off the list. */
export async function announcedRuns(redis: Redis): Promise<SeenRun[]> {
  const names = (await redis.smembers(RUNS)).sort();
  const seen = await Promise.all(
    names.map(async (run) => {
      const text = await redis.get(announcementKey(run));
      if (text === null) await redis.srem(RUNS, run);
      const announcement = text === null || text === OVER ? undefined : parseAnnouncement(text);
      if (text === null || !announcement) return [];
      const count = (list: string) => redis.llen(`${PREFIX}:${run}:${list}`);
      const [waiting, active] = await Promise.all([count('wait'), count('active')]);
      return [{ text, announcement, waiting, active }];
    }),
  );
  return seen.flat().sort((a, b) => Number(b.waiting > 0) - Number(a.waiting > 0));
}

/** What stands where a run was announced: its announcement, that it is over, or nothing. */
export const standing = (redis: Redis, run: string): Promise<string | null> => redis.get(announcementKey(run));
