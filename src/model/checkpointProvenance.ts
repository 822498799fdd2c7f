import { selectionOfCheckpoint } from './card.ts';
import { type CheckpointHashes, checkpointHashes } from './checkpointDigest.ts';
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

/** @param hashes of the checkpoint, where they are known already @throws InputError for a folder that is none */
export async function checkpointProvenance(name: string, hashes?: CheckpointHashes): Promise<CheckpointProvenance> {
  const { digest, files } = hashes ?? (await checkpointHashes(name));
  const [statistics] = [...files].flatMap(([file, hash]) => (/(^|\/)norm_stats\.json$/.test(file) ? [hash] : []));
  return {
    hash: digest,
    statistics: statistics ?? null,
    selection: await selectionOfCheckpoint(checkpointFolder(name)),
  };
}
