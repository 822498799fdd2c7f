import { InputError, UnreachableError } from '../../base/index.ts';

/** What tells one version of a file from another. */
export interface FileVersion {
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Bytes; null where the server does not say before the end. */
  readonly length: number | null;
}

/** A server's answer. Reading on in `body` throws a `PassingError` when nothing comes any more. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the connection where the body is not wanted. */
  end(): void;
}

/** What may be better a little later: a connection that broke, a server that is busy. */
export class PassingError extends Error {
  constructor(
    message: string,
    /** What the server asks to wait. */
    readonly waitMs?: number,
  ) {
    super(message);
  }
}

/** Sends one request; redirects are followed, and other hosts are not told who asks. @throws PassingError */
export async function request(url: string, headers: Record<string, string>, timeoutMs: number): Promise<Answer> {
  const abort = new AbortController();
  const tooLong = () => abort.abort(new PassingError(`nothing came for ${timeoutMs / 1000} s`));
  let timer = setTimeout(tooLong, timeoutMs);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(tooLong, timeoutMs);
  };
  const end = () => {
    clearTimeout(timer);
    abort.abort();
  };
  const failed = (error: unknown): PassingError => {
    end();
    if (error instanceof PassingError) return error;
    const { message, cause } = error as Error & { cause?: Error & { code?: string } };
    return new PassingError(cause?.message || cause?.code || message);
  };
  let response: Response;
  try {
    const sent = { ...headers, 'accept-encoding': 'identity', 'user-agent': 'valet' };
    response = await fetch(url, { headers: sent, signal: abort.signal });
  } catch (error) {
    throw failed(error);
  }
  alive();
  async function* body() {
    try {
      if (!response.body) return;
      for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
        alive();
        yield bytes;
      }
    } catch (error) {
      throw failed(error);
    } finally {
      clearTimeout(timer);
    }
  }
  return { status: response.status, headers: response.headers, body: body(), end };
}

/**
 * What an answer other than a file means.
 * @returns false where there is no such file @throws InputError or PassingError
 */
export function refusal(url: string, { status, headers, end }: Answer): false {
  end();
  if (status === 404 || status === 410) return false;
  if (status === 401 || status === 403)
    throw new InputError(
      url,
      `the server does not give it to you (status ${status}). Give a token that may read it by ` +
        `VALET_DATA_TOKEN_FILE=FILE${/\/\/([^/]+\.)?(huggingface|hf)\.co\//.test(url) ? ' or HF_TOKEN' : ''}.`,
    );
  if (status === 408 || status === 429 || status >= 500) {
    const seconds = Number(headers.get('retry-after'));
    throw new PassingError(`status ${status}`, seconds > 0 ? Math.min(60, seconds) * 1000 : undefined);
  }
  throw new InputError(url, `the server answers with status ${status} (expected 200 or 206). Check the address.`);
}

/** Failures in a row without a byte of progress. */
const TRIES = 6;

/** Does work again after passing errors. @param work gets a function to call when it got on */
export async function repeated<T>(
  url: string,
  retryMs: number,
  work: (progress: () => void) => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      return await work(() => {
        failures = 0;
      });
    } catch (error) {
      if (!(error instanceof PassingError)) throw error;
      if (++failures >= TRIES)
        throw new UnreachableError(
          url,
          `cannot be fetched (got ${error.message}; tried ${failures} times). Check the address and the network, and ` +
            'give the command again: what is here already is kept.',
        );
      const wait = error.waitMs ?? retryMs * 2 ** (failures - 1);
      await new Promise((wake) => setTimeout(wake, wait));
    }
  }
}

/** The version that an answer is of. */
export function versionOf({ headers, status }: Answer): FileVersion {
  const total = /\/(\d+)\s*$/.exec(headers.get('content-range') ?? '')?.[1];
  const encoded = (headers.get('content-encoding') ?? 'identity') !== 'identity';
  const whole = status === 200 && !encoded ? headers.get('content-length') : null;
  const length = total ?? whole;
  return {
    etag: headers.get('etag'),
    lastModified: headers.get('last-modified'),
    length: length === null ? null : Number(length),
  };
}

/** Whether two are one version, as far as the server tells: by tag, else by time and length. */
export function isSameVersion(a: FileVersion, b: FileVersion): boolean {
  const plain = (tag: string) => tag.replace(/^W\//, '');
  if (a.length !== null && b.length !== null && a.length !== b.length) return false;
  if (a.etag !== null && b.etag !== null) return plain(a.etag) === plain(b.etag);
  return a.lastModified === b.lastModified;
}
