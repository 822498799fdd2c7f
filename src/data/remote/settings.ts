import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { InputError, parseBytes, systemError } from '../../base/index.ts';

/** How files of servers are fetched and kept; the same for all data sets of a process. */
export interface RemoteSettings {
  readonly cacheDir: string;
  /** Bytes that all kept files may take. */
  readonly cacheBytes: number;
  /** A request that says nothing for so long has failed. */
  readonly timeoutMs: number;
  /** Wait before the first repetition; each further one waits twice as long. */
  readonly retryMs: number;
  /** Bytes asked for at once. */
  readonly rangeBytes: number;
}

/** What a cache may take where nothing is said. */
const CACHE_BYTES = 20 * 2 ** 30;

/** A folder, and the bytes that its files may take. */
export interface FolderLimit {
  readonly dir: string;
  readonly limit: number;
}

/** What the environment says. @throws InputError for what it says wrongly */
export function remoteSettings(environment: NodeJS.ProcessEnv = process.env): RemoteSettings {
  const { VALET_DATA_CACHE: cache, VALET_DATA_TIMEOUT: timeout, XDG_CACHE_HOME: home } = environment;
  const { dir, limit } = parseFolderLimit(cache ?? join(home || join(homedir(), '.cache'), 'valet', 'data'));
  const seconds = Number(timeout ?? 30);
  if (!(seconds > 0))
    throw new InputError('VALET_DATA_TIMEOUT', `is "${timeout}" (expected seconds above 0, such as 30).`);
  return {
    cacheDir: resolve(dir),
    cacheBytes: limit,
    timeoutMs: 1000 * seconds,
    retryMs: Math.min(500, 100 * seconds),
    rangeBytes: 16 * 2 ** 20,
  };
}

/** A folder and what it may take (20 GiB), from `dir` or `dir:100GiB`. @throws InputError for a size that is none */
export function parseFolderLimit(text: string): FolderLimit {
  const [, dir, size] = /^(.+):\s*(\d+(?:\.\d+)?\s*(?:[kmg]i?b)?)\s*$/i.exec(text) ?? [];
  return dir === undefined || size === undefined ? { dir: text, limit: CACHE_BYTES } : { dir, limit: parseBytes(size) };
}

/** Hosts that know tokens of Hugging Face. */
const HUGGING_FACE = ['huggingface.co', 'hf.co'];
const LOCAL = ['localhost', '127.0.0.1', '[::1]'];

/**
 * What a server is told of who asks: the word of VALET_DATA_TOKEN_FILE or VALET_DATA_TOKEN, for Hugging Face also
 * that of HF_TOKEN. A word alone is a bearer's; one with a space is the whole header. It is never printed.
 * @throws InputError when the file cannot be read, holds no token, or the connection is not encrypted
 */
export async function authorization(
  address: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const url = new URL(address);
  const found = await tokenOf(url, environment);
  if (!found) return undefined;
  const { token, from } = found;
  // Node's own error would show it.
  if (!/^[\x20-\x7e]+$/.test(token))
    throw new InputError(from, 'is no token (expected one line of plain letters and digits).');
  if (url.protocol === 'http:' && !LOCAL.includes(url.hostname))
    throw new InputError(url.origin, `${from} would be sent where others can read it. Use https, or unset it.`);
  return token.includes(' ') ? token : `Bearer ${token}`;
}

async function tokenOf(
  { protocol, hostname }: URL,
  { VALET_DATA_TOKEN_FILE: file, VALET_DATA_TOKEN: own, HF_TOKEN: huggingFace }: NodeJS.ProcessEnv,
): Promise<{ readonly token: string; readonly from: string } | undefined> {
  if (file) {
    const from = 'VALET_DATA_TOKEN_FILE';
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw systemError(error, { where: `${from}=${file}` }) ?? error;
    });
    return { token: text.trim(), from };
  }
  if (own) return { token: own.trim(), from: 'VALET_DATA_TOKEN' };
  const isHuggingFace = HUGGING_FACE.some((host) => hostname === host || hostname.endsWith(`.${host}`));
  return huggingFace && isHuggingFace && protocol === 'https:'
    ? { token: huggingFace.trim(), from: 'HF_TOKEN' }
    : undefined;
}
