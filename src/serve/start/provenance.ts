import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeVersion } from '../../base/index.ts';
import { checkpointFolder, checkpointProvenance } from '../../model/index.ts';
import type { Logger } from '../log.ts';
import { type CheckpointMapping, folderFingerprint } from '../planners/index.ts';
import type { Json } from '../server/index.ts';

/** Checkpoints up to this size together are hashed before the server listens: a second or two. */
const AT_ONCE = 2 ** 30;

/**
 * What a server's metadata says of itself: which code serves (`code`), and which checkpoints (`checkpoints`: hash, hash
 * of the statistics, how chosen; no paths). What is told of a folder is told of the files that were loaded from it:
 * after a change on the disk nothing is told until the new hashes are known.
 */
export class ServedProvenance {
  private readonly folders: readonly string[];
  /** What a folder looked like when it was loaded last. */
  private readonly loaded = new Map<string, string | undefined>();
  /** Hashes of what a folder held when it looked so; null for what cannot be hashed. */
  private readonly known = new Map<string, { readonly fingerprint: string | undefined; readonly words: Json }>();

  constructor(
    private readonly metadata: Record<string, Json>,
    { paths }: CheckpointMapping,
    private readonly logger: Logger,
  ) {
    this.folders = [...new Set(paths.values())];
    metadata['code'] = { ...codeVersion() };
  }

  /** Hashes all folders. Larger ones are hashed while the server runs, and told from then on. */
  async tell(): Promise<void> {
    const telling = this.hashAll();
    const sizes = await Promise.all(this.folders.map(sizeOf));
    if (sizes.reduce((sum, size) => sum + size, 0) <= AT_ONCE) await telling;
  }

  /** Hears that a folder was loaded, and what it looked like then. */
  hasLoaded(folder: string, fingerprint: string | undefined): void {
    this.loaded.set(folder, fingerprint);
    const known = this.known.get(folder);
    if (!known || known.fingerprint === fingerprint) return;
    this.known.delete(folder);
    this.publish();
    void this.hash(folder).then(() => this.publish());
  }

  private async hashAll(): Promise<void> {
    for (const folder of this.folders) await this.hash(folder);
    this.publish();
  }

  private async hash(folder: string): Promise<void> {
    try {
      const fingerprint = await folderFingerprint(folder);
      const words = { ...(await checkpointProvenance(checkpointFolder(folder))) };
      const isStill = fingerprint === (await folderFingerprint(folder));
      const isLoaded = !this.loaded.has(folder) || this.loaded.get(folder) === fingerprint;
      if (isStill && isLoaded) this.known.set(folder, { fingerprint, words });
    } catch (error) {
      this.known.set(folder, { fingerprint: undefined, words: null });
      this.logger.warn({ err: error, folder }, 'the hashes of this checkpoint are not told');
    }
  }

  /** All that can be told, or nothing while something is being hashed. */
  private publish(): void {
    const words = this.folders.map((folder) => this.known.get(folder)?.words);
    if (words.includes(undefined)) delete this.metadata['checkpoints'];
    else this.metadata['checkpoints'] = words.flatMap((word) => (word ? [word] : []));
  }
}

async function sizeOf(folder: string): Promise<number> {
  const found = await Promise.all(
    ['params.safetensors', 'int8.safetensors'].map((file) => stat(join(folder, file)).catch(() => undefined)),
  );
  return found.reduce((sum, file) => sum + (file?.size ?? 0), 0);
}
