import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The most files of a folder that are looked at. */
const MOST_FILES = 1000;

/**
 * Names, sizes and times of all files of a checkpoint folder; undefined when it cannot be read, or holds no
 * config.json.
 */
export async function folderFingerprint(folder: string): Promise<string | undefined> {
  try {
    const root = await realpath(folder);
    const names = (await readdir(root, { recursive: true })).sort();
    const parts = await Promise.all(
      names.slice(0, MOST_FILES).map(async (name) => {
        const { size, mtimeMs, ino } = await stat(join(root, name));
        return `${name}:${size}:${mtimeMs}:${ino}`;
      }),
    );
    return parts.some((part) => part.startsWith('config.json:')) ? [root, ...parts].join('\n') : undefined;
  } catch {
    return undefined;
  }
}
