import { InputError, Random } from '../../base/index.ts';
import type { KeptEpisode } from './keptEpisode.ts';

export interface SetPart {
  readonly name: string;
  /** Of all parts' shares together. */
  readonly share: number;
}

/**
 * Divides episodes among parts by chance, each task in the parts' shares: the first parts get the rounded number of
 * episodes, the last what is left. The same seed gives the same parts. @throws InputError when a part gets none
 */
export function splitEpisodes(
  episodes: readonly KeptEpisode[],
  parts: readonly SetPart[],
  seed: string,
): Map<string, KeptEpisode[]> {
  const total = parts.reduce((sum, { share }) => sum + share, 0);
  const out = new Map<string, KeptEpisode[]>(parts.map(({ name }) => [name, []]));
  for (const task of new Set(episodes.map(({ taskIndex }) => taskIndex))) {
    const its = Random.of('split', seed, task).shuffle(episodes.filter(({ taskIndex }) => taskIndex === task));
    let [begin, share] = [0, 0];
    for (const part of parts) {
      share += part.share;
      const end = Math.round((its.length * share) / total);
      out.get(part.name)?.push(...its.slice(begin, end));
      begin = end;
    }
  }
  for (const [name, list] of out) {
    if (list.length === 0)
      throw new InputError(`part ${name}`, `gets no episode of ${episodes.length}. Give it a larger share.`);
    list.sort((a, b) => a.index - b.index);
  }
  return out;
}
