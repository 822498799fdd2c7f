import { existsSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { InputError } from '../../base/index.ts';
import { type LedgerLine, unitName } from '../ledger/index.ts';
import { scriptBeside } from './beside.ts';
import type { OtherEpisode } from './episodes.ts';
import type { Gathered } from './gather.ts';
import { embeddedJson } from './html.ts';
import { readRollout } from './rollouts.ts';

/** Another evaluation whose rollouts can be watched in step with those of the page. */
export interface OtherEvaluation {
  readonly folder: string;
  readonly name: string;
  readonly lines: readonly LedgerLine[];
}

/**
 * Gives every episode that the other evaluation has a recording of, too, that recording: of the same task, instance and
 * rollout. It stays in the other folder, as a script that the page loads, unless `whole`.
 * @throws InputError when there is none
 */
export async function withOther(
  folder: string,
  gathered: Gathered,
  { other, whole }: { other: OtherEvaluation; whole: boolean },
): Promise<Gathered> {
  const lines = new Map(other.lines.map((line) => [unitName(line), line]));
  const inside = new Map(gathered.inside);
  const way = relative(folder, other.folder).split(sep).map(encodeURIComponent).join('/');
  let found = 0;
  const episodes = [];
  for (const episode of gathered.episodes) {
    const { unit } = episode;
    const line = lines.get(unit);
    if (!line || episode.recording === 'none' || !existsSync(join(other.folder, 'rollouts', unit, 'scene.json'))) {
      episodes.push(episode);
      continue;
    }
    const key = `other ${unit}`;
    const its = { key, name: other.name, q: line.q, success: line.success };
    if (whole) inside.set(key, embeddedJson((await readRollout(other.folder, line)).rollout));
    const beside: OtherEpisode = whole
      ? { ...its, recording: 'page' }
      : { ...its, recording: 'beside', script: `${way}/${(await scriptBeside(other.folder, line)).script}` };
    episodes.push({ ...episode, other: beside });
    found++;
  }
  if (found === 0)
    throw new InputError(
      other.folder,
      `has no recording of an episode that ${folder} has one of, too. ` +
        'Play the same tasks and instances, with recordings.',
    );
  return { ...gathered, episodes, inside };
}
