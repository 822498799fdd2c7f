import { copyFile, cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** One thing that befalls a folder's files. */
export interface FolderDamage {
  readonly what: string;
  /** The files that it changes, below the folder. */
  readonly files: readonly string[];
  apply(folder: string): Promise<void>;
}

/** Every file below a folder, in order; links are left out. */
export async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => relative(folder, join(entry.parentPath, entry.name))).sort();
}

/**
 * Each file in turn removed, emptied, cut in three places, filled with zeros, made longer, with another byte in its
 * middle, or replaced by a copy of another; each pair exchanged.
 */
export async function damagesOf(folder: string): Promise<FolderDamage[]> {
  const files = await filesOf(folder);
  const damages: FolderDamage[] = [];
  for (const file of files) {
    const size = (await readFile(join(folder, file))).length;
    const add = (what: string, apply: (path: string) => Promise<void>) =>
      damages.push({ what: `${file}: ${what}`, files: [file], apply: (copy) => apply(join(copy, file)) });
    add('removed', (path) => rm(path));
    add('emptied', (path) => truncate(path, 0));
    for (const length of new Set([1, Math.floor(size / 2), size - 1]))
      if (length > 0 && length < size) add(`cut to ${length} of ${size}`, (path) => truncate(path, length));
    add('zeros', (path) => writeFile(path, new Uint8Array(size)));
    if (size > 0)
      add('a byte changed', async (path) => {
        const bytes = await readFile(path);
        bytes[Math.floor(size / 2)]! ^= 1;
        await writeFile(path, bytes);
      });
    add('longer', async (path) => writeFile(path, Buffer.concat([await readFile(path), Buffer.from('\0{"step":')])));
  }
  files.forEach((one, i) => {
    const next = files[(i + 1) % files.length] as string;
    damages.push({
      what: `${one}: a copy of ${next}`,
      files: [one],
      apply: (copy) => copyFile(join(copy, next), join(copy, one)),
    });
    for (const other of files.slice(i + 1))
      damages.push({
        what: `${one} and ${other}: exchanged`,
        files: [one, other],
        async apply(copy) {
          const [a, b] = [join(copy, one), join(copy, other)];
          await copyFile(a, `${a}.aside`);
          await copyFile(b, a);
          await copyFile(`${a}.aside`, b);
          await rm(`${a}.aside`);
        },
      });
  });
  return damages;
}

/** Works on a fresh copy of a folder with one damage in it. */
export async function withDamage<T>(
  folder: string,
  copy: string,
  damage: FolderDamage,
  work: () => Promise<T>,
): Promise<T> {
  await rm(copy, { recursive: true, force: true });
  await cp(folder, copy, { recursive: true, verbatimSymlinks: true });
  await damage.apply(copy);
  return work();
}
