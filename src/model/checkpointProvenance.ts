import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../base/index.ts';
import { checkpointDigest } from './checkpointDigest.ts';
import { checkpointFolder } from './checkpointFolder.ts';

/** Which weights and statistics made a result, and how they were chosen. */
export interface CheckpointProvenance {
  /** SHA-256 of configuration, weights and statistics (`checkpointDigest`). */
  readonly hash: string;
  /** SHA-256 of the file `norm_stats.json`; null where there is none. */
  readonly statistics: string | null;
  /** The rule by which this checkpoint was chosen among others, as its card says. */
  readonly selection: string;
}

const CardSchema = z.looseObject({ selection: z.string().optional(), step: z.number().optional() });

/**
 * Reads a checkpoint's files once, as a stream: about as long as reading them from the disk takes.
 * @throws InputError for a folder that is no checkpoint
 */
export async function checkpointProvenance(name: string): Promise<CheckpointProvenance> {
  const folder = checkpointFolder(name);
  const hash = await checkpointDigest(folder);
  const files = (await readdir(folder, { recursive: true })).map((file) => file.replaceAll('\\', '/')).sort();
  const statistics = files.find((file) => /(^|\/)norm_stats\.json$/.test(file));
  return {
    hash,
    statistics: statistics === undefined ? null : await fileHash(join(folder, statistics)),
    selection: await selectionOf(folder),
  };
}

async function selectionOf(folder: string): Promise<string> {
  const path = join(folder, 'card.json');
  const { selection, step } = existsSync(path) ? await readJson(path, CardSchema) : {};
  return selection ?? (step === undefined ? 'not stated' : `not stated; its training was at step ${step}`);
}

async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path)) hash.update(bytes as Uint8Array);
  return hash.digest('hex');
}
