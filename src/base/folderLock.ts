import { readFileSync } from 'node:fs';
import { type FileHandle, open, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { InputError, systemError } from './errors.ts';
import { isAlive } from './files.ts';
import { makeFolder } from './folders.ts';

/** Who writes to a folder: enough to tell whether it still does. */
const Owner = z.object({
  pid: z.number(),
  host: z.string(),
  /** What the process does, for the one who is refused. */
  work: z.string(),
  since: z.string(),
  /** When the process began, as the system counts; a number that is used again belongs to another process. */
  began: z.string().nullable(),
});
type Owner = z.infer<typeof Owner>;

/** Somebody else holds the lock. */
export class LockedError extends InputError {
  override name = 'LockedError';
}

/** A lock that this process holds; `release` gives it back. */
export interface FolderLock {
  release(): Promise<void>;
}

/** Locks that this process holds: a second one is refused like another process's. */
const held = new Set<string>();
const TRIES = 20;

/**
 * Makes this process the only one that writes to a folder, which need not be there. The lock is a file beside it (in
 * it, where nothing can be written beside). One whose process is gone from this machine is taken over.
 * @param work what is done, such as `valet train`
 * @throws InputError, before anything is touched, when another process writes there
 */
export async function lockFolder(path: string, work: string): Promise<FolderLock> {
  const folder = resolve(path);
  const made = await makeFolder(dirname(folder));
  const beside = join(dirname(folder), `.${basename(folder)}.lock`);
  try {
    const lock = await take(beside, folder, work);
    return {
      release: async () => {
        await lock.release();
        // What was made for the lock alone goes with it.
        for (const empty of [...made].reverse()) await rmdir(empty).catch(() => {});
      },
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isFolder = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder && (code === 'EACCES' || code === 'EPERM' || code === 'EROFS'))
      return take(join(folder, '.lock'), folder, work);
    throw systemError(error, { where: path }) ?? error;
  }
}

async function take(file: string, folder: string, work: string): Promise<FolderLock> {
  for (let i = 0; i < TRIES; i++) {
    const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (handle) return begin(handle, file, work);
    const owner = await ownerOf(file);
    if (owner === 'writing') {
      await new Promise((wake) => setTimeout(wake, 50));
      continue;
    }
    if (owner && (held.has(file) || !isGone(owner))) throw refusal(folder, file, owner);
    await removeStale(file);
  }
  throw new InputError(folder, `its lock ${file} cannot be read. Remove it when nobody writes there.`);
}

/** One process at a time removes a stale lock, so that none removes the fresh one of another. */
async function removeStale(file: string): Promise<void> {
  const guard = `${file}.guard`;
  const handle = await open(guard, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  if (!handle) {
    if ((await ageOf(guard)) > 5000) await rm(guard, { force: true });
    await new Promise((wake) => setTimeout(wake, 50));
    return;
  }
  try {
    await handle.close();
    const owner = await ownerOf(file);
    if (owner !== 'writing' && (!owner || isGone(owner))) await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

const ageOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );

async function begin(handle: FileHandle, file: string, work: string): Promise<FolderLock> {
  const { pid } = process;
  const since = new Date().toISOString();
  const owner: Owner = { pid, host: hostname(), work, since, began: beganAt(pid) };
  await handle.writeFile(JSON.stringify(owner));
  await handle.close();
  held.add(file);
  return {
    release: async () => {
      if (held.delete(file)) await rm(file, { force: true });
    },
  };
}

/** null: the lock is gone, or was left half written long ago; `writing`: somebody is about to say who it is. */
async function ownerOf(file: string): Promise<Owner | null | 'writing'> {
  try {
    const text = await readFile(file, 'utf8');
    const parsed = Owner.safeParse(JSON.parse(text || 'null'));
    if (parsed.success) return parsed.data;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (!(error instanceof SyntaxError)) throw error;
  }
  return (await ageOf(file)) < 1000 ? 'writing' : null;
}

/** Of another machine nothing is known: its lock holds until somebody removes it. */
function isGone({ host, pid, began }: Owner): boolean {
  if (host !== hostname()) return false;
  if (!isAlive(pid)) return true;
  const now = beganAt(pid);
  return began !== null && now !== null && began !== now;
}

/** When a process began, in the system's ticks; null where it does not say (anything but Linux). */
function beganAt(pid: number): string | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything; the start is the 20th field behind it.
    return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function refusal(folder: string, file: string, { pid, host, work, since }: Owner): InputError {
  const who = host === hostname() ? `process ${pid}` : `process ${pid} on ${host}`;
  const elsewhere = host === hostname() ? '' : ` If that process is gone, remove ${file}.`;
  return new LockedError(
    folder,
    `${work} writes there since ${since} (${who}). Wait for it, end it, or choose another folder.${elsewhere}`,
  );
}
