import { InputError, numberRanges } from '../../base/index.ts';
import { type Unit, unitName } from '../ledger/index.ts';

/** Most seeds of one evaluation. */
const MOST_SEEDS = 1000;

/**
 * The seeds that a text names: numbers and ranges, such as `0-4` or `1,7`. The n-th is that of each instance's n-th
 * rollout.
 * @throws InputError for anything else
 */
export function parseSeeds(text: string): string[] {
  const seeds = numberRanges(text, { digits: 9, most: MOST_SEEDS });
  if (!seeds) throw new InputError('--seeds', `"${text}" names no seeds. Write numbers such as 0-4 or 1,7.`);
  return seeds.map(String);
}

/**
 * The seed of one rollout's noise. It does not hang on the rollout's number, so that one of several seeds gives the
 * episodes that it gives alone.
 */
export const noiseSeed = (unit: Unit, seed: string): string => `${seed}/${unitName({ ...unit, rollout: 0 })}`;
