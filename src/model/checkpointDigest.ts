import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../base/index.ts';
import { checkpointFolder } from './checkpointFolder.ts';

/** What a checkpoint's plans follow from; the optimiser's state and the card change none. */
const COUNTS = /^(config\.json|params\.safetensors|int8\.safetensors)$|(^|\/)norm_stats\.json$/;

/**
 * SHA-256 (hex) over a checkpoint's configuration, weights and statistics: its identity, wherever it lies.
 * @throws InputError for a folder that holds none of them
 */
export async function checkpointDigest(name: string): Promise<string> {
  const folder = checkpointFolder(name);
  const all = await readdir(folder, { recursive: true }).catch((): string[] => []);
  const files = all.map((file) => file.replaceAll('\\', '/')).filter((file) => COUNTS.test(file));
  if (files.length === 0) throw new InputError(name, 'is no checkpoint folder (no config.json). Check the path.');
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    hash.update(`${file}\u0000`);
    for await (const bytes of createReadStream(join(folder, file))) hash.update(bytes as Uint8Array);
  }
  return hash.digest('hex');
}
