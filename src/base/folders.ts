import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InputError, systemError, type ValetError } from './errors.ts';

/**
 * Makes a folder, and those above it that are not there. Node's own recursive `mkdir` never ends where the system says
 * of a folder that is there that it is not, as below /proc.
 * @returns those that it made, from the outermost on
 * @throws InputError where no folder can be made
 */
export async function makeFolder(path: string): Promise<readonly string[]> {
  const { there, missing } = await split(path);
  try {
    for (const folder of missing) await makeOne(folder);
    return missing;
  } catch (error) {
    throw refusal(error, there) ?? error;
  }
}

/** What is written to a path, and whether something may be there already. */
export interface Output {
  readonly kind: 'file' | 'folder';
  /** Refuses a folder that holds something, with this advice. */
  readonly fresh?: string;
}

/**
 * Looks at the path of a result before the work begins: whether it can be written at the end. Leaves nothing behind.
 * @throws InputError for a path that is taken, of the wrong kind, or in a place where nothing can be written
 */
export async function requireOutput(path: string, { kind, fresh }: Output): Promise<void> {
  if (path === '') throw new InputError(`the output ${kind}`, "has no name (got ''). Give one.");
  const { there, missing } = await split(kind === 'folder' ? path : dirname(resolve(path)));
  const found = missing.length > 0 ? undefined : await statOf(path);
  if (kind === 'file' && found?.isDirectory()) throw new InputError(path, 'is a folder (expected a file).');
  if (kind === 'folder' && fresh !== undefined && found && (await readdir(path)).length > 0)
    throw new InputError(path, `exists already. ${fresh}`);
  // Permissions do not tell: some places refuse everybody. So it is tried.
  const probe = join(there, `.valet.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    await mkdir(probe);
    await rmdir(probe);
  } catch (error) {
    throw refusal(error, there) ?? error;
  }
}

/** The nearest folder that is there, and those to make below it, from the outermost on. */
async function split(path: string): Promise<{ there: string; missing: string[] }> {
  const missing: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = await statOf(at);
    if (found && !found.isDirectory()) throw new InputError(at, 'is a file (expected a folder). Check the path.');
    if (found) return { there: at, missing };
    if (at === dirname(at)) throw new InputError(path, 'lies on no disk that is there. Check the path.');
    missing.unshift(at);
  }
}

/** What is at a path; undefined when nothing is, or a file is where a folder above it should be. */
async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw systemError(error, { where: path }) ?? error;
  }
}

/** Another process may make the same folder at the same time. */
async function makeOne(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (!taken || !(await statOf(folder))?.isDirectory()) throw error;
  }
}

function refusal(error: unknown, there: string): ValetError | undefined {
  // "Not there", said of a folder that is there: a place like /proc.
  if ((error as NodeJS.ErrnoException).code === 'ENOENT')
    return new InputError(there, 'takes no new files or folders. Choose another place.', { cause: error });
  return systemError(error, { where: there, inside: join(there, '.valet.') });
}
