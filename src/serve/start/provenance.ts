import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeVersion } from '../../base/index.ts';
import { checkpointFolder, checkpointProvenance } from '../../model/index.ts';
import type { Logger } from '../log.ts';
import type { CheckpointMapping } from '../planners/index.ts';
import type { Json } from '../server/index.ts';

/** Checkpoints up to this size together are hashed before the server listens: a second or two. */
const AT_ONCE = 2 ** 30;

/**
 * Adds to a server's metadata which code serves (`code`) and which checkpoints (`checkpoints`: hash, hash of the
 * statistics, how chosen; no paths). Larger ones are hashed while the server runs, and told from then on. Folders that
 * are looked at for changes are not told, since their hashes would not stay true.
 */
export async function tellProvenance(
  metadata: Record<string, Json>,
  { paths }: CheckpointMapping,
  { reloads, logger }: { readonly reloads: boolean; readonly logger: Logger },
): Promise<void> {
  metadata['code'] = { ...codeVersion() };
  if (reloads) return;
  const folders = [...new Set([...paths.values()].map((path) => checkpointFolder(path)))];
  const sizes = await Promise.all(folders.map(sizeOf));
  const telling = tell(metadata, folders).catch((error: Error) =>
    logger.warn({ err: error }, 'the checkpoints are served, but their hashes are not told'),
  );
  if (sizes.reduce((sum, size) => sum + size, 0) <= AT_ONCE) await telling;
}

async function tell(metadata: Record<string, Json>, folders: readonly string[]): Promise<void> {
  const told: Json[] = [];
  for (const folder of folders) told.push({ ...(await checkpointProvenance(folder)) });
  metadata['checkpoints'] = told;
}

async function sizeOf(folder: string): Promise<number> {
  const found = await Promise.all(
    ['params.safetensors', 'int8.safetensors'].map((file) => stat(join(folder, file)).catch(() => undefined)),
  );
  return found.reduce((sum, file) => sum + (file?.size ?? 0), 0);
}
