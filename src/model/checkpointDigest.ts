import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../base/index.ts';
import { checkpointFolder } from './checkpointFolder.ts';

/** What a checkpoint's plans follow from; the optimiser's state and the card change none. */
const COUNTS = /^(config\.json|params\.safetensors|int8\.safetensors)$|(^|\/)norm_stats\.json$/;

/** SHA-256 (hex) of a checkpoint's configuration, weights and statistics. */
export interface CheckpointHashes {
  /** Over all of them: the checkpoint's identity, wherever it lies. */
  readonly digest: string;
  /** Of each file, by its path within the folder (`/` between names). */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Reads each file once, as a stream: about as long as reading them from the disk takes.
 * @throws InputError for a folder that holds none of them
 */
export async function checkpointHashes(name: string): Promise<CheckpointHashes> {
  const folder = checkpointFolder(name);
  const all = await readdir(folder, { recursive: true }).catch((): string[] => []);
  const files = all.map((file) => file.replaceAll('\\', '/')).filter((file) => COUNTS.test(file));
  if (files.length === 0) throw new InputError(name, 'is no checkpoint folder (no config.json). Check the path.');
  const whole = createHash('sha256');
  const each = new Map<string, string>();
  for (const file of files.sort()) {
    const own = createHash('sha256');
    whole.update(`${file}\u0000`);
    for await (const bytes of createReadStream(join(folder, file))) {
      whole.update(bytes as Uint8Array);
      own.update(bytes as Uint8Array);
    }
    each.set(file, own.digest('hex'));
  }
  return { digest: whole.digest('hex'), files: each };
}

/** The identity of a checkpoint, wherever it lies. @throws InputError for a folder that is none */
export async function checkpointDigest(name: string): Promise<string> {
  return (await checkpointHashes(name)).digest;
}
