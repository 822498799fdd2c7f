import { describe, expect, it } from 'vitest';
import { isOwnOrigin, parseOrigin } from './access.ts';
import { parsePrefix, requestPath } from './requestPath.ts';
import { readSessionQuery } from './sessionQuery.ts';

describe('a request that a proxy passed on', () => {
  it.each([
    ['/healthz', '/healthz'],
    ['//healthz', '/healthz'],
    ['/healthz/', '/healthz'],
    ['/valet/healthz', '/healthz'],
    ['//valet//healthz?a=1', '/healthz'],
    ['http://robots.example:8000/valet/healthz', '/healthz'],
    ['http://robots.example', '/'],
    ['/valet', '/'],
    ['/valetto/healthz', '/valetto/healthz'],
    ['//?session=new', '/'],
    ['', '/'],
    ['?a=1', '/'],
  ])('%s is %s', (url, path) => {
    expect(requestPath(url, parsePrefix('valet/')).path).toBe(path);
  });

  it('keeps its query, whatever its path', () => {
    for (const path of ['', '/', '//', '/a//b/', 'http://host//'])
      expect(readSessionQuery(`${path}?session=new&seed=a%2Fb&other=x`), path).toEqual({
        ...{ resume: 'new', seed: 'a/b' },
        rest: { seed: 'a/b', other: 'x' },
      });
  });

  it('comes from a page of its own, an allowed one, or none', () => {
    const own = (headers: Record<string, string>, allowed: string[] = [], loopback = true) =>
      isOwnOrigin({ headers }, loopback, allowed.map(parseOrigin));
    const page = { origin: 'https://robots.example', host: '127.0.0.1:8000' };
    expect(own({ host: '127.0.0.1:8000' }), 'no page').toBe(true);
    expect(own(page), "nginx's own Host").toBe(false);
    expect(own({ ...page, 'x-forwarded-host': 'robots.example' })).toBe(true);
    expect(own({ ...page, 'x-forwarded-host': 'robots.example, inner' })).toBe(true);
    expect(own({ ...page, 'x-forwarded-host': 'other.example' })).toBe(false);
    expect(own(page, ['https://robots.example/'])).toBe(true);
    expect(own(page, ['http://robots.example'])).toBe(false);
    expect(own(page, ['*'])).toBe(true);
    // A page that had its name point here.
    expect(own({ origin: 'http://evil.example:8000', host: 'evil.example:8000' })).toBe(false);
    expect([own({ origin: 'null', host: 'a' }), own({ origin: 'null', host: 'a' }, ['*'])]).toEqual([false, true]);
    for (const none of ['robots.example', 'https://a/b', '', 'null'])
      expect(() => parseOrigin(none)).toThrow(/no origin/);
    expect(() => parsePrefix('/a?b')).toThrow(/no path/);
  });
});
