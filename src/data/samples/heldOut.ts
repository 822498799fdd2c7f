import { InputError, Random } from '../../base/index.ts';
import type { Dataset, Episode } from '../lerobot/index.ts';

/**
 * What is kept together: every episode is its own, or all episodes of one instance of a task (the same room, played or
 * recorded more than once).
 */
export type HeldOutBy = 'episode' | 'instance';

/**
 * Places of the episodes kept for validation: a fixed draw of `share` of the data set (at least one, never all), the
 * same in every run. By instance: whole instances, until as many episodes are kept.
 * @throws InputError when an episode tells no instance, or all are of one
 */
export async function heldOutPlaces(dataset: Dataset, share: number, by: HeldOutBy): Promise<Set<number>> {
  const count = dataset.episodes.length;
  const places = Random.of('validation').shuffle(Array.from({ length: count }, (_, i) => i));
  const wanted = Math.min(count - 1, Math.max(1, Math.round(share * count)));
  if (by === 'episode') return new Set(places.slice(0, wanted));
  const groups = new Map<string, number[]>();
  for (const place of places) {
    const key = await instanceOf(dataset, dataset.episodes[place] as Episode);
    groups.set(key, [...(groups.get(key) ?? []), place]);
  }
  const out = new Set<number>();
  for (const group of groups.values()) {
    if (out.size >= wanted) break;
    if (out.size + group.length < count) for (const place of group) out.add(place);
  }
  if (out.size === 0 && count > 1)
    throw new InputError(
      dataset.root,
      `all ${count} episodes are of one instance; none can be held out. Set validation.by=episode, or ` +
        'validation.share=0.',
    );
  return out;
}

/** BEHAVIOR numbers episodes task · 10000 + instance · 10 + trajectory (docs/facts.md#data-sets). */
const [EPISODES_PER_TASK, EPISODES_PER_INSTANCE] = [10_000, 10];

/** Task and instance of an episode. */
async function instanceOf(dataset: Dataset, episode: Episode): Promise<string> {
  const { instance } = (await dataset.metaInfo(episode)) ?? {};
  const ofNumber =
    dataset.info.data_path.includes('task-{episode_chunk') && dataset.info.chunks_size === EPISODES_PER_TASK
      ? Math.floor((episode.index % EPISODES_PER_TASK) / EPISODES_PER_INSTANCE)
      : undefined;
  const found = typeof instance === 'number' || typeof instance === 'string' ? instance : ofNumber;
  if (found === undefined)
    throw new InputError(
      dataset.root,
      `episode ${episode.index} does not tell which instance of its task it is of. Set validation.by=episode.`,
    );
  return `${episode.taskIndex} ${found}`;
}
