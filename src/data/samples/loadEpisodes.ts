import { availableParallelism } from 'node:os';
import { WorkerClient } from '../../base/index.ts';
import { BadFiles } from '../badFiles.ts';
import type { LoadedEpisode, LoadRequest, OpenRequest } from './decode.worker.ts';
import type { SampleTable } from './sampleTable.ts';

/** Episodes per message to a worker. */
const EPISODES_PER_CALL = 8;

/** Hands the episodes to worker threads, each taking the next few when it is done; their numbers go into `table`. */
export async function loadEpisodes(
  requests: readonly LoadRequest[],
  open: OpenRequest,
  table: SampleTable,
  {
    workers = availableParallelism(),
    progress,
  }: { readonly workers?: number | undefined; readonly progress?: ((done: number, total: number) => void) | undefined },
): Promise<void> {
  let [next, done] = [0, 0];
  const clients = Array.from(
    { length: Math.max(1, Math.min(workers, Math.ceil(requests.length / EPISODES_PER_CALL))) },
    () => WorkerClient.start('data/samples/decode.worker'),
  );
  const bad = new BadFiles();
  try {
    await Promise.all(
      clients.map(async (client) => {
        await client.call('open', open);
        while (next < requests.length && !bad.isEnough) {
          const first = next;
          const part = requests.slice(next, next + EPISODES_PER_CALL);
          next += part.length;
          const loaded = await loadPart(client, part, first, bad);
          for (const [i, request] of part.entries()) {
            const numbers = loaded[i];
            if (numbers) table.put(request, numbers, request.episode.index, request.episode.taskIndex);
          }
          done += part.length;
          progress?.(done, requests.length);
        }
      }),
    );
    bad.throwFirst();
    table.seal();
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** The numbers of some episodes; undefined for one whose files are bad. */
async function loadPart(
  client: WorkerClient,
  part: readonly LoadRequest[],
  first: number,
  bad: BadFiles,
): Promise<(LoadedEpisode | undefined)[]> {
  const load = (requests: readonly LoadRequest[]) => client.call<LoadedEpisode[]>('load', requests);
  const together = new BadFiles();
  const loaded = await together.try(first, () => load(part));
  if (loaded) return loaded;
  // One of them is bad; each for itself says which, and whether others are.
  const alone: (LoadedEpisode | undefined)[] = [];
  for (const [i, request] of part.entries()) alone.push((await bad.try(first + i, () => load([request])))?.[0]);
  return alone;
}
