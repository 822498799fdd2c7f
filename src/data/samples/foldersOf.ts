import { InputError, present } from '../../base/index.ts';
import type { Draws } from './draws.ts';
import type { PreparedSamples } from './prepareSamples.ts';
import type { SampleFolder } from './sampleSource.ts';

/** The data folders, and what is drawn of each. @throws InputError when one keeps no sample */
export function foldersOf({ dirs, plan }: PreparedSamples, draws: Draws): SampleFolder[] {
  const counts = draws.folderCounts(dirs.length);
  return dirs.map((dir, i) => {
    const count = counts[i] ?? 0;
    if (count === 0) throw new InputError(dir, 'no sample is left: all of them are bad.');
    return { dir, count, episodes: present(plan.counts[i], 'plan.counts[i]').episodes };
  });
}
