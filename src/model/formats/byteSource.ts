import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { InputError } from '../../base/index.ts';
import { type Fill, fillFrom } from '../../kernels/index.ts';

/**
 * Bytes somewhere: a range of a file (to its end where `length` is left out), or here. Plain data that a worker can be
 * sent.
 */
export type ByteSource =
  | { readonly file: string; readonly offset: number; readonly length: number }
  | { readonly where: string; readonly bytes: Uint8Array };

export function sourceName(source: ByteSource): string {
  return 'file' in source ? source.file : source.where;
}

export function sourceLength(source: ByteSource): number {
  return 'file' in source ? source.length : source.bytes.length;
}

/**
 * Calls `use` with a function that reads the source piece by piece.
 * @throws InputError when the file is missing or ends before the range does
 */
export function withSource<T>(source: ByteSource, use: (fill: Fill) => T): T {
  if ('bytes' in source) return use(fillFrom(source.bytes));
  const { file, offset, length } = source;
  const handle = openForReading(file);
  try {
    requireSize(file, fstatSync(handle).size, offset + length);
    let at = 0;
    return use((into) => {
      const count = readSync(handle, into, 0, Math.min(into.length, length - at), offset + at);
      at += count;
      return count;
    });
  } finally {
    closeSync(handle);
  }
}

/** @throws InputError when a file is missing, cannot be read, or has fewer bytes */
export function requireBytes(file: string, length: number): void {
  const handle = openForReading(file);
  try {
    requireSize(file, fstatSync(handle).size, length);
  } finally {
    closeSync(handle);
  }
}

function requireSize(file: string, size: number, wanted: number): void {
  if (wanted > size)
    throw new InputError(
      file,
      `is too short: it should have ${wanted} bytes at least, it has ${size}. Was it copied to its end?`,
    );
}

/** All bytes of a source. @throws InputError as `withSource`, or when there are more than `limit` */
export function readSource(source: ByteSource, limit: number): Uint8Array {
  if ('bytes' in source) return source.bytes;
  if (source.length > limit)
    throw new InputError(source.file, `a part of ${source.length} bytes is larger than anything expected (${limit}).`);
  return withSource(source, (fill) => {
    const out = new Uint8Array(source.length);
    for (let at = 0, n = 1; at < out.length && n > 0; at += n) n = fill(out.subarray(at));
    return out;
  });
}

/** A whole file as a source. @throws InputError when it cannot be opened */
export function fileSource(file: string): ByteSource {
  const handle = openForReading(file);
  try {
    return { file, offset: 0, length: fstatSync(handle).size };
  } finally {
    closeSync(handle);
  }
}

function openForReading(file: string): number {
  try {
    const handle = openSync(file, 'r');
    if (fstatSync(handle).isFile()) return handle;
    closeSync(handle);
  } catch (error) {
    throw new InputError(
      file,
      `cannot be read (${(error as NodeJS.ErrnoException).code}). Is the checkpoint complete?`,
    );
  }
  throw new InputError(file, 'is no file.');
}
