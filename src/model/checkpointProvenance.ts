import { existsSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { recordedStatistics, selectionOfCheckpoint } from './card.ts';
import { type CheckpointHashes, checkpointHashes } from './checkpointDigest.ts';
import { checkpointFolder } from './checkpointFolder.ts';
import { statisticsFile, statisticsOrigin } from './ownStatistics.ts';

/** Which weights and statistics made a result, and how they were chosen. */
export interface CheckpointProvenance {
  /** SHA-256 of configuration, weights and statistics (`checkpointDigest`). */
  readonly hash: string;
  /** SHA-256 of the file `norm_stats.json`; null where there is none. */
  readonly statistics: string | null;
  /** Whether these are the statistics that it was trained with; null where its card does not say. */
  readonly ownStatistics: boolean | null;
  /** The rule by which this checkpoint was chosen among others, as its card says. */
  readonly selection: string;
}

/** @param hashes of the checkpoint, where they are known already @throws InputError for a folder that is none */
export async function checkpointProvenance(name: string, hashes?: CheckpointHashes): Promise<CheckpointProvenance> {
  const { digest, files } = hashes ?? (await checkpointHashes(name));
  const folder = checkpointFolder(name);
  const file = await statisticsFile(folder);
  const choice = { otherStatistics: true };
  const { own } = existsSync(file)
    ? await statisticsOrigin(file, await recordedStatistics(folder), choice)
    : { own: null };
  return {
    hash: digest,
    statistics: files.get(relative(folder, file).replaceAll(sep, '/')) ?? null,
    ownStatistics: own,
    selection: await selectionOfCheckpoint(folder),
  };
}
