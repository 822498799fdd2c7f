import { availableParallelism } from 'node:os';
import type { WorkerClient } from '../../base/index.ts';
import { BadFiles } from '../badFiles.ts';
import type { LoadedEpisode, LoadRequest } from './decode.worker.ts';
import type { PlannedEpisode } from './planSamples.ts';

/** Episodes per message to a worker. */
const EPISODES_PER_CALL = 8;

/** Threads that there is work for. */
export const usefulWorkers = (episodes: number, workers = availableParallelism()): number =>
  Math.min(workers, Math.ceil(episodes / EPISODES_PER_CALL));

/**
 * Hands the episodes to worker threads that have the data sets open, each taking the next few when it is done; `sink`
 * gets their numbers, in no order.
 * @throws InputError that names the first bad file, after the others were looked at
 */
export async function loadEpisodes(
  episodes: readonly PlannedEpisode[],
  clients: readonly WorkerClient[],
  sink: (planned: PlannedEpisode, loaded: LoadedEpisode) => void,
  {
    pictures,
    progress,
  }: { readonly pictures: boolean; readonly progress?: ((done: number, total: number) => void) | undefined },
): Promise<void> {
  let [next, done] = [0, 0];
  const bad = new BadFiles();
  await Promise.all(
    clients.map(async (client) => {
      while (next < episodes.length && !bad.isEnough) {
        const first = next;
        const part = episodes.slice(next, next + EPISODES_PER_CALL);
        next += part.length;
        const loaded = await loadPart(client, { episodes: part, pictures }, first, bad);
        for (const [i, planned] of part.entries()) {
          const numbers = loaded[i];
          if (numbers) sink(planned, numbers);
        }
        done += part.length;
        progress?.(done, episodes.length);
      }
    }),
  );
  bad.throwFirst();
}

/** The numbers of some episodes; undefined for one whose files are bad. */
async function loadPart(
  client: WorkerClient,
  { episodes, pictures }: LoadRequest,
  first: number,
  bad: BadFiles,
): Promise<(LoadedEpisode | undefined)[]> {
  const load = (some: readonly PlannedEpisode[]) =>
    client.call<LoadedEpisode[]>('load', { episodes: some, pictures } satisfies LoadRequest);
  const together = new BadFiles();
  const loaded = await together.try(first, () => load(episodes));
  if (loaded) return loaded;
  // One of them is bad; each for itself says which, and whether others are.
  const alone: (LoadedEpisode | undefined)[] = [];
  for (const [i, episode] of episodes.entries()) alone.push((await bad.try(first + i, () => load([episode])))?.[0]);
  return alone;
}
