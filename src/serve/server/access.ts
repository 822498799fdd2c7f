import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { InputError } from '../../base/index.ts';

const digest = (text: string) => createHash('sha256').update(text).digest();

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** @throws InputError for an address that others can reach without a key, unless the caller insists */
export function checkExposure(host: string, apiKey: string | undefined, open: boolean): void {
  if (apiKey !== undefined && apiKey.length < 8)
    throw new InputError('serve', `the API key has ${apiKey.length} characters (expected 8 or more).`);
  if (!isLoopback(host) && apiKey === undefined && !open)
    throw new InputError(
      'serve',
      `${host} can be reached from other machines and no API key is set. ` +
        'Give --api-key-file, or --insecure to let everyone in.',
    );
}

/**
 * Whether the request carries the key, as `Authorization: Api-Key …` (the official client) or `Bearer …`; compared in
 * constant time.
 */
export function hasKey(request: IncomingMessage, apiKey: string | undefined): boolean {
  if (apiKey === undefined) return true;
  const match = /^(?:Api-Key|Bearer) +(.+)$/i.exec(request.headers.authorization ?? '');
  return timingSafeEqual(digest(match?.[1]?.trim() ?? ''), digest(apiKey)) && match !== null;
}

/**
 * Browsers name the page that opens a socket. A page of another site must not drive the robot; programs send no origin.
 * A page is the server's own, behind a proxy too, when it comes from the host that the request was for: a proxy names
 * it in `X-Forwarded-Host`, which no page can set. `allowed` are further origins, `https://host` or `*` for any.
 */
export function isOwnOrigin(
  { headers }: Pick<IncomingMessage, 'headers'>,
  boundToLoopback: boolean,
  allowed: readonly string[] = [],
): boolean {
  const { origin } = headers;
  if (origin === undefined || allowed.includes('*')) return true;
  if (!URL.canParse(origin)) return false;
  const { host, hostname, origin: normal } = new URL(origin);
  if (allowed.includes(normal)) return true;
  const forwarded = String(headers['x-forwarded-host'] ?? '')
    .split(',', 1)[0]
    ?.trim()
    .toLowerCase();
  if (forwarded) return host === forwarded;
  return host === headers.host && (!boundToLoopback || isLoopback(hostname));
}

/** An origin as browsers write it, or `*`. @throws InputError for anything else */
export function parseOrigin(text: string): string {
  if (text === '*') return text;
  const { origin = 'null', href = '' } = URL.canParse(text) ? new URL(text) : {};
  if (origin === 'null' || href !== `${origin}/`)
    throw new InputError('allow-origin', `"${text}" is no origin (expected such as https://robots.example, or *).`);
  return origin;
}
