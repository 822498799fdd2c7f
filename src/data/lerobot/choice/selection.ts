import { InputError, nearest } from '../../../base/index.ts';
import { BEHAVIOR_TASKS } from '../../../robot/index.ts';
import type { Dataset, Episode } from '../dataset.ts';
import type { EpisodeRange } from './dataChoice.ts';
import { plainWords } from './knownTasks.ts';

const SOME = 5;
const someOf = (names: readonly (string | number)[]): string =>
  `${names.slice(0, SOME).join(', ')}${names.length > SOME ? ', …' : ''}`;

/** The episodes in any of the ranges. */
export const inRanges = (
  episodes: readonly Episode[],
  ranges: readonly EpisodeRange[] | undefined,
): readonly Episode[] =>
  ranges ? episodes.filter(({ index }) => ranges.some(([from, to]) => from <= index && index <= to)) : episodes;

/** @throws InputError when a range holds no episode of any of the sets, or a set none of the ranges */
export function requireRanges(sets: readonly Dataset[], ranges: readonly EpisodeRange[] | undefined): void {
  if (!ranges) return;
  const shown = (range: EpisodeRange) => (range[0] === range[1] ? `${range[0]}` : `${range[0]}-${range[1]}`);
  const has = ({ episodes }: Dataset) =>
    `it has ${episodes.length}: ${someOf(episodes.map(({ index }) => index)) || 'none'}`;
  for (const range of ranges)
    if (sets.every(({ episodes }) => inRanges(episodes, [range]).length === 0)) {
      const [first] = sets;
      throw new InputError(
        sets.map(({ root }) => root).join(', '),
        `has no episode ${shown(range)}${sets.length === 1 && first ? ` (${has(first)})` : ''}.`,
      );
    }
  for (const set of sets)
    if (inRanges(set.episodes, ranges).length === 0)
      throw new InputError(
        `--episodes ${ranges.map(shown).join(',')}`,
        `${set.root} has none of them (${has(set)}). Leave that set out.`,
      );
}

type Named = Pick<Dataset, 'root' | 'tasks' | 'episodes'>;

/** The numbers that words mean in the sets together. @throws InputError for a word that no set's tasks have */
export function chosenTasks(sets: readonly Named[], words: readonly string[]): ReadonlySet<number> {
  const names = new Map<string, number>(BEHAVIOR_TASKS.map(({ name, id }) => [plainWords(name), id]));
  for (const { tasks } of sets)
    for (const [id, { name, instruction }] of tasks)
      for (const text of [instruction, name]) if (text !== undefined) names.set(plainWords(text), id);
  const chosen = new Set<number>();
  for (const word of words) {
    const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(word) ?? [];
    const named = names.get(plainWords(word));
    if (from !== undefined) for (let id = Number(from); id <= Number(to ?? from); id++) chosen.add(id);
    else if (named !== undefined) chosen.add(named);
    else {
      const there = [...new Set(sets.flatMap(namesOf))];
      const guess = nearest(word, [...there, ...BEHAVIOR_TASKS.map(({ name }) => name)]);
      throw new InputError(
        `--tasks ${word}`,
        `no such task (there are ${someOf(there)}).${guess === undefined ? '' : ` Did you mean ${guess}?`}`,
      );
    }
  }
  for (const set of sets)
    if (!set.episodes.some(({ taskIndex }) => chosen.has(taskIndex)))
      throw new InputError(
        `--tasks ${words.join(',')}`,
        `${set.root} has no episode of ${chosen.size === 1 ? 'that task' : 'those tasks'} (it has ` +
          `${someOf(namesOf(set))}). ${sets.length === 1 ? 'Choose among them.' : 'Leave that set out.'}`,
      );
  return chosen;
}

/** Numbers and names of the tasks that a set has episodes of. */
function namesOf({ tasks, episodes }: Named): string[] {
  const used = [...new Set(episodes.map(({ taskIndex }) => taskIndex))].sort((a, b) => a - b);
  return used.map((id) => {
    const task = tasks.get(id);
    return task ? `${id} ${task.name ?? task.instruction}` : `${id}`;
  });
}
