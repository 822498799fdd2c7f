import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ChunkStatistics, normStatsText, readNormStats } from '../action/index.ts';
import { InputError, readJson } from '../base/index.ts';
import { recordedStatistics } from './card.ts';

/** What lets statistics through that a checkpoint was not trained with: `--other-statistics`, in every command. */
export interface StatisticsChoice {
  readonly otherStatistics?: boolean | undefined;
}

/** SHA-256 (hex) that a checkpoint's card records of statistics: of the file that `writeNormStats` makes of them. */
export const statisticsHash = (stats: ChunkStatistics): string => sha256(normStatsText(stats));

/** `own`: whether a file's statistics are the recorded ones, however it is formatted; null where none are recorded. */
export interface StatisticsOrigin {
  readonly own: boolean | null;
  /** A sentence for whoever is not sure to have the right ones. */
  readonly note?: string;
}

/**
 * Compares the statistics in `file` with those that a checkpoint's card records.
 * @throws InputError when they are others, unless that is let through
 */
export async function statisticsOrigin(
  file: string,
  recorded: string | undefined,
  { otherStatistics = false }: StatisticsChoice,
): Promise<StatisticsOrigin> {
  if (recorded === undefined)
    return { own: null, note: `${file}: taken as it is; the checkpoint does not record what it was trained with.` };
  const hash = sha256(await readFile(file));
  if (hash === recorded) return { own: true };
  const found = await readNormStats(file).catch(() => undefined);
  if (found && statisticsHash(found) === recorded) return { own: true };
  if (!otherStatistics)
    throw new InputError(
      file,
      `holds other statistics than the checkpoint was trained with (got SHA-256 ${hash.slice(0, 12)}…, expected ` +
        `${recorded.slice(0, 12)}…, as its card says). Put its own back, or take these by --other-statistics.`,
    );
  return { own: false, note: `${file}: other statistics than the checkpoint was trained with, as you allowed.` };
}

/** The file of the statistics that a checkpoint folder plans with. @throws InputError for a damaged config.json */
export async function statisticsFile(folder: string): Promise<string> {
  const Config = z.looseObject({ policy: z.looseObject({ assetId: z.string().default('household') }).prefault({}) });
  const { policy } = await readJson(join(folder, 'config.json'), Config);
  return join(folder, 'assets', policy.assetId, 'norm_stats.json');
}

/**
 * Compares the statistics of a checkpoint folder with those that its card records. A folder that lacks what is needed
 * for that is left to whoever reads it.
 * @returns what is to be said. @throws InputError when they are others, unless that is let through
 */
export async function checkStatistics(folder: string, choice: StatisticsChoice): Promise<string | undefined> {
  if (!existsSync(join(folder, 'config.json'))) return undefined;
  const file = await statisticsFile(folder);
  if (!existsSync(file)) return undefined;
  return (await statisticsOrigin(file, await recordedStatistics(folder), choice)).note;
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
