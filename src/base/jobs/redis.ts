import type { Redis } from 'ioredis';
import { InputError, UnreachableError } from '../errors.ts';

/** A Redis that went away is tried again so often; its queue of commands waits meanwhile. */
const RETRY_MS = 500;
/** How long the first connection is tried, unless told. */
const FIRST_MS = 5000;

/**
 * Checks the address of a Redis.
 * @throws InputError for what is none
 */
export function parseRedisUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === '')
    throw new InputError(
      '--queue',
      `${JSON.stringify(text)} is no address of a Redis (expected redis://HOST:PORT, or rediss:// for TLS).`,
    );
  return url;
}

/** The address as messages may show it: no name, no password. */
export const redisName = ({ protocol, host, pathname }: URL): string =>
  `${protocol}//${host}${pathname === '/' ? '' : pathname}`;

/** Hears that a Redis went away, and that it is back. */
export type RedisWatcher = (state: 'away' | 'back') => void;

/**
 * A connection to a Redis that must be there now. When it goes away later, commands wait until it is back.
 * @param name what Redis's own CLIENT LIST calls the connection
 * @throws UnreachableError when nobody answers, or not as a Redis does
 */
export async function connectRedis(
  url: URL,
  name: 'valet-coordinator' | 'valet-worker',
  watch: RedisWatcher = () => {},
  waitMs = FIRST_MS,
): Promise<Redis> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url.href, {
    connectionName: name,
    lazyConnect: true,
    maxRetriesPerRequest: null,
    retryStrategy: () => RETRY_MS,
    connectTimeout: waitMs,
  });
  let reason: Error | undefined;
  redis.on('error', (error) => {
    reason = error;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(reason ?? new Error(`no answer within ${waitMs} ms`)), waitMs);
  });
  try {
    await Promise.race([redis.connect().then(() => redis.ping()), late]);
  } catch (error) {
    redis.disconnect();
    throw new UnreachableError(
      redisName(url),
      `no Redis answers there (${(reason ?? (error as Error)).message || (reason as NodeJS.ErrnoException)?.code}). ` +
        'Start one, or check the address.',
    );
  } finally {
    clearTimeout(timer);
  }
  let away = false;
  const tell = (state: 'away' | 'back') => {
    if (away === (state === 'away')) return;
    away = state === 'away';
    watch(state);
  };
  // The end of a connection that was ended on purpose is no news.
  redis.on('close', () => redis.status !== 'end' && tell('away'));
  redis.on('reconnecting', () => tell('away'));
  redis.on('ready', () => tell('back'));
  return redis;
}
