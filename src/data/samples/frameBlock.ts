import { closeSync, fstatSync, futimesSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { aside, makeFolder, removeAbandoned } from '../../base/index.ts';

/** A time of use is written anew when the old one is so old. */
const USED_MS = 60_000;

/**
 * Writes pictures of one size as one file, aside and renamed; behind them stands the CRC-32 of each. It is not forced
 * to the disk: a crash of the machine may garble it, and then the sums tell.
 * @param pictures uint8 [count, bytes]
 */
export async function writeBlock(path: string, pictures: Uint8Array, bytes: number): Promise<void> {
  await makeFolder(dirname(path));
  await removeAbandoned(path);
  const sums = new Uint8Array(sumBytes(pictures.length / bytes));
  const view = new DataView(sums.buffer);
  for (let i = 0; i * bytes < pictures.length; i++)
    view.setUint32(4 * i, crc32(pictures.subarray(i * bytes, (i + 1) * bytes)), true);
  const temporary = aside(path);
  try {
    const file = openSync(temporary, 'wx');
    try {
      for (const part of [pictures, sums]) for (let done = 0; done < part.length; ) done += writeSync(file, part, done);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Some pictures of a file, each uint8 [bytes]; undefined where there is none, or it is not as it was written.
 * @param count of pictures that it must hold @param wanted places of pictures in it
 */
export function readBlock(
  path: string,
  { count, bytes }: { readonly count: number; readonly bytes: number },
  wanted: readonly number[],
): Uint8Array[] | undefined {
  const file = opened(path);
  if (file === undefined) return undefined;
  try {
    const { size, atimeMs, mtime } = fstatSync(file);
    if (size !== blockBytes(count, bytes)) return undefined;
    const sums = Buffer.alloc(sumBytes(count));
    readSync(file, sums, 0, sums.length, count * bytes);
    const pictures: Uint8Array[] = [];
    for (const i of wanted) {
      const picture = new Uint8Array(bytes);
      readSync(file, picture, 0, bytes, i * bytes);
      if (crc32(picture) !== sums.readUInt32LE(4 * i)) return undefined;
      pictures.push(picture);
    }
    // Most disks do not keep times of access by themselves.
    if (Date.now() - atimeMs > USED_MS) touch(file, mtime);
    return pictures;
  } finally {
    closeSync(file);
  }
}

/** Of a file of so many pictures. */
export const blockBytes = (count: number, bytes: number): number => count * bytes + sumBytes(count);

const sumBytes = (count: number): number => 4 * count;

function opened(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A cache of another user may be read, and its times not be changed. */
function touch(file: number, mtime: Date): void {
  try {
    futimesSync(file, new Date(), mtime);
  } catch (error) {
    if (!['EPERM', 'EACCES', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
