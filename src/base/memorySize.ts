import { totalmem } from 'node:os';
import { InputError } from './errors.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** `12GB`, `800 MiB`, `1000000` as bytes. @throws InputError for anything else */
export function parseBytes(text: string, where = 'size'): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmg]i?b)?\s*$/i.exec(text);
  const bytes = Number(match?.[1]) * (UNITS[(match?.[2] ?? '').toLowerCase()] ?? Number.NaN);
  if (!match || !(bytes >= 1)) throw new InputError(where, `"${text}" is no number of bytes (expected one like 12GB).`);
  return Math.floor(bytes);
}

/** Three quarters of what this process may use. */
export function defaultMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return Math.floor(0.75 * (limit > 0 ? Math.min(limit, totalmem()) : totalmem()));
}
