import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError, systemError } from './errors.ts';
import { makeFolder } from './folders.ts';

/** A temporary name beside `path`, on the same file system, so that a rename is atomic. */
export function aside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
}

/**
 * Removes the temporary files and folders of `path` whose process died before it could: those of `aside` with a process
 * that no longer lives.
 */
export async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  if (!existsSync(folder)) return;
  const prefix = `.${basename(path)}.`;
  for (const name of await readdir(folder)) {
    const pid = name.startsWith(prefix) && /^(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name.slice(prefix.length))?.[1];
    if (pid && !isAlive(Number(pid))) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Whether a process of this machine lives. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a file so that a reader sees the old one or the whole new one: temporary name, sync, rename. */
export async function writeFileAside(
  path: string,
  data: Uint8Array | string | readonly Uint8Array[] | AsyncIterable<Uint8Array>,
): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = aside(path);
  try {
    const handle = await open(temporary, 'w');
    try {
      if (typeof data === 'string' || data instanceof Uint8Array) await handle.writeFile(data);
      else for await (const part of data) await writeAll(handle, part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw systemError(error, { where: path, inside: temporary }) ?? error;
  }
}

/** One write takes at most 2 GB. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.length - done, 2 ** 30));
    done += bytesWritten;
  }
}

/**
 * Fills a folder under a temporary name and renames it to `path` when `fill` has returned; nothing is left behind when
 * it throws.
 * @throws InputError when `path` exists and `replace` is not set
 */
export async function writeFolderAside(
  path: string,
  fill: (folder: string) => Promise<void>,
  { replace = false }: { replace?: boolean } = {},
): Promise<void> {
  if (path === '') throw new InputError('the output folder', "has no name (got ''). Give one.");
  const temporary = aside(path);
  try {
    await makeFolder(temporary);
  } catch (error) {
    throw systemError(error, { where: path, inside: temporary }) ?? error;
  }
  try {
    await fill(temporary);
    await syncFolder(temporary);
    const old = aside(path);
    let hasOld = false;
    if (replace)
      hasOld = await rename(path, old).then(
        () => true,
        () => false,
      );
    await rename(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST' || error.code === 'ENOTDIR')
        throw new InputError(path, 'exists already. Choose another folder or remove it first.');
      throw error;
    });
    if (hasOld) await rm(old, { recursive: true, force: true });
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw systemError(error, { where: path, inside: temporary }) ?? error;
  }
}

/** A value as the text of a JSON file for people: indented, one line end behind. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
