import type { Dataset } from '../lerobot/index.ts';
import { type KeptEpisode, wholeEpisode } from './keptEpisode.ts';

/**
 * All episodes of several sets. A task is the same where its sentence or name is; a number that another set uses for
 * another task is exchanged for the next free one.
 */
export function mergedEpisodes(sets: readonly Dataset[]): KeptEpisode[] {
  const texts = new Map<string, number>();
  const taken = new Set<number>();
  const kept: KeptEpisode[] = [];
  for (const set of sets) {
    const renumbered = new Map<number, number>();
    for (const episode of set.episodes) {
      const { name, instruction } = set.tasks.get(episode.taskIndex) ?? { name: undefined, instruction: '' };
      const words = [name, instruction || episode.instruction].filter((text) => text !== undefined);
      let task = renumbered.get(episode.taskIndex);
      if (task === undefined) {
        task = words.map((text) => texts.get(text)).find((known) => known !== undefined);
        if (task === undefined) {
          task = episode.taskIndex;
          while (taken.has(task)) task++;
        }
        taken.add(task);
        renumbered.set(episode.taskIndex, task);
        for (const text of words) texts.set(text, task);
      }
      kept.push({ ...wholeEpisode(set, episode), taskIndex: task });
    }
  }
  return kept;
}
