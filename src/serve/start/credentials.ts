import { readFile } from 'node:fs/promises';
import { InputError } from '../../base/index.ts';
import type { Tls } from '../server/index.ts';

/** The API key in a file: its one line. @throws InputError that names the file */
export async function readKeyFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InputError(path, `the API key cannot be read (${error.code}).`);
  });
  const key = text.trim();
  if (/\s/.test(key) || key === '') throw new InputError(path, 'holds no API key (expected one line).');
  return key;
}

/**
 * Certificate chain and private key from PEM files; undefined when neither is given.
 * @throws InputError for one without the other
 */
export async function readTlsFiles(cert: string | undefined, key: string | undefined): Promise<Tls | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new InputError('serve', 'TLS needs both --tls-cert and --tls-key.');
  const read = (path: string) =>
    readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new InputError(path, `cannot be read (${error.code}).`);
    });
  return { cert: await read(cert), key: await read(key) };
}
