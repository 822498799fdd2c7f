import { existsSync } from 'node:fs';
import { cp, open, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InputError, ValetError } from '../../base/index.ts';
import { SAFETENSORS_TYPES } from './safetensors.ts';
import { elementsOf } from './storedLeaf.ts';
import { STORED_BYTES, type StoredType } from './storedType.ts';

export interface TargetLeaf {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StoredType;
}

/**
 * Makes a safetensors file of its whole size, numbers still zero, and says where each leaf's begin. Sizes and offsets
 * may pass 4 GB. Arrays lie in the order of their element size, then as given.
 */
export async function reserveSafetensors(
  file: string,
  leaves: readonly TargetLeaf[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<Map<string, number>> {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  const starts = new Map<string, number>();
  let at = 0;
  for (const { name, shape, dtype } of [...leaves].sort((a, b) => STORED_BYTES[b.dtype] - STORED_BYTES[a.dtype])) {
    const type = SAFETENSORS_TYPES[dtype];
    if (!type) throw new InputError(file, `${name} is ${dtype}, which safetensors files of Valet do not hold.`);
    const end = at + elementsOf(shape) * STORED_BYTES[dtype];
    header[name] = { dtype: type, shape, data_offsets: [at, end] };
    starts.set(name, at);
    at = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, 0x20);
  head.writeBigUInt64LE(BigInt(head.length - 8), 0);
  text.copy(head, 8);
  await makeFile(file, head, head.length + at);
  return new Map([...starts].map(([name, start]) => [name, head.length + start]));
}

/** Makes a file of `size` bytes that begins with `head`. */
export async function makeFile(file: string, head: Uint8Array, size: number): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.truncate(size);
    for (let done = 0; done < head.length; )
      done += (await handle.write(head, done, head.length - done, done)).bytesWritten;
  } finally {
    await handle.close();
  }
}

/** Makes sure that a file's bytes are on the disk. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Copies a file, or a folder and what is in it; of a link what it leads to. */
export async function copy(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, dereference: true });
}

/** @throws ValetError when the disk on which `out` will lie has less room than `bytes` */
export async function requireSpace(out: string, bytes: number): Promise<void> {
  let folder = dirname(resolve(out));
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes)
    throw new ValetError(
      out,
      `${inUnits(bytes)} are needed on this disk, ${inUnits(bavail * bsize)} are free. Free some space or ` +
        'choose another disk.',
    );
}

const inUnits = (bytes: number): string =>
  bytes >= 1e8 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(2)} MB`;
