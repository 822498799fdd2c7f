import { existsSync } from 'node:fs';
import { InputError, readJson } from '../../base/index.ts';
import { RunFileSchema, runFilePath } from '../ledger/index.ts';

/** @throws InputError for an evaluation in the embedded household, which is no result of the challenge */
export async function requireOfficial(folder: string): Promise<void> {
  if (!existsSync(runFilePath(folder))) return;
  const { fingerprint } = await readJson(runFilePath(folder), RunFileSchema);
  if (fingerprint.versions['household'] !== undefined)
    throw new InputError(
      folder,
      'holds episodes of the embedded household, not of the challenge. Submit what the official evaluator wrote.',
    );
}
