import { get as getPlain } from 'node:http';
import { get as getTls } from 'node:https';
import { InputError, UnreachableError, ValetError } from '../../base/index.ts';

/** Between two looks at /healthz. The official client waits 5 s; on one machine that is long. */
const POLL_MS = 250;
/** How long a server that answers may take until it can plan. */
const LOADING_MS = 60_000;
/** How long a server may be out of reach. */
const UNREACHABLE_MS = 4500;

export interface WaitOptions {
  /** How long to wait for a server that does not answer; one that answers is given a minute at least. */
  readonly waitMs?: number | undefined;
  /** Told now and then, while there is nothing else to tell: what is waited for, and how long still. */
  readonly onWait?: ((what: string, secondsLeft: number) => void) | undefined;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until a server's /healthz says that it is ready. Of an address with a prefix, the one below the prefix is asked
 * first.
 * @throws UnreachableError that says what was tried, when it does not in time; InputError at once for what no waiting
 *   mends: a certificate that is not accepted, or TLS on one side alone; ValetError (interrupted) at the signal
 */
export async function waitForServer(
  url: string,
  { waitMs = UNREACHABLE_MS, onWait, signal }: WaitOptions = {},
): Promise<void> {
  const places = healthPlaces(url);
  const began = performance.now();
  let [last, answers, tries] = ['no answer', false, 0];
  for (;;) {
    const end = began + (answers ? Math.max(waitMs, LOADING_MS) : waitMs);
    const left = end - performance.now();
    if (signal?.aborted) throw new ValetError(url, 'interrupted while the server was waited for.', 'interrupted');
    if (left <= 0)
      throw new UnreachableError(url, refused({ health: places[0], last, answers, tries, ms: end - began }));
    if (tries > 0) onWait?.(answers ? `the server loads (${last})` : `no server answers (${last})`, left / 1000);
    tries++;
    try {
      const status = await healthOf(places, Math.ceil(Math.min(left, 10_000)), signal);
      if (status === 200) return;
      [last, answers] = [`status ${status}`, true];
    } catch (error) {
      if (signal?.aborted) continue;
      const { code, message } = reasonOf(error);
      const hopeless = hopelessReason(code, message);
      if (hopeless !== undefined) throw new InputError(url, hopeless, { cause: error });
      const cut = code === undefined && message.includes('timeout');
      // A try that hardly had time to be answered says less than the one before.
      if (!cut) last = code ?? message;
      else if (left >= POLL_MS) last = 'no answer';
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, Math.max(0, end - performance.now()))));
  }
}

type Places = readonly [URL, ...URL[]];

/** Where a server's health may be told: below the address's own path, then at the root. */
function healthPlaces(url: string): Places {
  const root = new URL('/healthz', url.replace(/^ws/, 'http'));
  const path = new URL(url).pathname.replace(/\/+$/, '');
  return path === '' ? [root] : [new URL(`${path}/healthz`, root), root];
}

/** The status of the first place that knows of health: others say neither "ready" nor "loading". */
async function healthOf(places: Places, timeoutMs: number, stop: AbortSignal | undefined): Promise<number> {
  let status = 0;
  for (const place of places) {
    const signals = [AbortSignal.timeout(timeoutMs), ...(stop ? [stop] : [])];
    status = await statusOf(place, AbortSignal.any(signals));
    if (status === 200 || status === 503) break;
  }
  return status;
}

/** The status of an answer. Not by `fetch`: that refuses ports which browsers keep clear of, such as 6000 or 10080. */
function statusOf(address: URL, signal: AbortSignal): Promise<number> {
  const get = address.protocol === 'https:' ? getTls : getPlain;
  return new Promise((resolve, reject) => {
    get(address, { agent: false, signal }, (response) => {
      response.on('end', () => resolve(response.statusCode ?? 0)).on('error', reject);
      response.resume();
    }).on('error', reject);
  });
}

interface Tried {
  readonly health: URL;
  readonly last: string;
  readonly answers: boolean;
  readonly tries: number;
  readonly ms: number;
}

function refused({ health, last, answers, tries, ms }: Tried): string {
  const seconds = Number((ms / 1000).toFixed(1));
  const tried = `${health} was asked ${tries} times in ${seconds} s; last: ${last}`;
  return answers
    ? `the server answers but cannot plan (${tried}). See its log, or wait longer with --wait.`
    : `no server answers there (${tried}). Start it, check the address, or wait longer with --wait 120.`;
}

/** Where an error has a cause, that is the reason. */
function reasonOf(error: unknown): { code: string | undefined; message: string } {
  const { cause, message } = error as Error;
  const inner = (cause ?? error) as NodeJS.ErrnoException;
  return { code: typeof inner.code === 'string' ? inner.code : undefined, message: inner.message || message };
}

const CERTIFICATE = /CERT|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_PURPOSE|CRL/;

/** What no waiting mends; undefined for the rest. */
function hopelessReason(code: string | undefined, message: string): string | undefined {
  if (code !== undefined && CERTIFICATE.test(code))
    return (
      `the server's certificate cannot be accepted (${code}: ${message}). Name the authority that signed it in the ` +
      'environment: NODE_EXTRA_CA_CERTS=ca.pem.'
    );
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' || code === 'EPROTO')
    return `the server speaks no TLS there (${code}). Connect to ws://, or start it with --tls-cert.`;
  return undefined;
}
