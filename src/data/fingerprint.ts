import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { holdSides, openDataset } from './lerobot/index.ts';
import { isAddress } from './remote/index.ts';
import { parseDataFolder } from './samples/index.ts';

/** SHA-256 over the index files of data sets (`dir` or `dir:weight`) and their weights, wherever they lie. */
export async function dataFingerprint(folders: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of folders) {
    const { dir, weight } = parseDataFolder(folder);
    const meta = join(await indexFolder(dir), 'meta');
    const entries = await readdir(meta, { withFileTypes: true, recursive: true }).catch(() => []);
    const files = entries
      .filter((entry) => entry.isFile() && /\.(json|jsonl|parquet)$/.test(entry.name))
      .map((entry) => relative(meta, join(entry.parentPath, entry.name)));
    for (const name of files.sort()) {
      hash.update(`${name}\u0000${weight}\u0000`);
      for await (const piece of createReadStream(join(meta, name))) hash.update(piece as Buffer);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** Where the files of an index lie, all of them; of one on a server, those that it names. */
async function indexFolder(dir: string): Promise<string> {
  if (!isAddress(dir)) return dir;
  const set = await openDataset(dir);
  if (set.remote) await holdSides(set.remote, set);
  return set.root;
}
