import { describe, expect, it } from 'vitest';
import { InputError, ValetError } from '../errors.ts';
import { JobCoordinator } from './coordinator.ts';
import { failed, parseAnnouncement, parseOutcome } from './messages.ts';
import { parseRedisUrl, redisName } from './redis.ts';
import { serveJobs } from './serveJobs.ts';
import { pause, unlessAborted } from './wait.ts';

// Against a real Redis, with all of them killed: npm run interop -- queue.
describe('a queue', () => {
  it.each(['6379', 'localhost:6379', 'http://localhost:6379', 'redis://', 'redis:'])(
    'refuses the address %s',
    (text) => {
      expect(() => parseRedisUrl(text)).toThrow(/--queue: .*expected redis:\/\/HOST:PORT/);
    },
  );

  it('shows an address without its password', () => {
    expect(redisName(parseRedisUrl('rediss://me:secret@queue.example:6380/2'))).toBe('rediss://queue.example:6380/2');
    expect(redisName(parseRedisUrl('redis://127.0.0.1:6379'))).toBe('redis://127.0.0.1:6379');
  });

  it('says at once that no Redis is there, to either side', async () => {
    const address = 'redis://127.0.0.1:1';
    const nobody = /redis:\/\/127\.0\.0\.1:1: no Redis answers there \(.*ECONNREFUSED.*\)\. Start one/;
    const run = { run: 'r', kind: 'k', settings: {} };
    await expect(JobCoordinator.open(address, run)).rejects.toThrow(nobody);
    const { signal } = new AbortController();
    await expect(serveJobs(address, { handlers: {}, slots: 1, signal })).rejects.toThrow(nobody);
  });

  it('brings errors over with their kind, and without a path of the machine', () => {
    const sent = JSON.parse(JSON.stringify(failed(new InputError('here', 'is wrong. Mend it.'))));
    expect(sent).toEqual({
      error: { name: 'InputError', message: 'here: is wrong. Mend it.', where: 'here', kind: 'input' },
    });
    expect(parseOutcome('j', sent)).toEqual(sent);
    expect(parseOutcome('j', { value: [1] })).toEqual({ value: [1] });
    expect(() => parseOutcome('j', 'something')).toThrow(/not of the form/);
    expect(parseAnnouncement('over')).toBeUndefined();
    expect(parseAnnouncement('{"run":"r"}')).toBeUndefined();
  });

  it('waits no longer than somebody wants', async () => {
    const stop = new AbortController();
    const forever = unlessAborted(new Promise(() => {}), stop.signal);
    const paused = pause(1e6, stop.signal);
    stop.abort(new ValetError('test', 'over'));
    await expect(forever).rejects.toThrow(/over/);
    await paused;
    await pause(1e6, stop.signal);
    await expect(unlessAborted(new Promise(() => {}), stop.signal)).rejects.toThrow(/over/);
  });
});
