import { availableParallelism } from 'node:os';
import { WorkerClient } from '../../base/index.ts';
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
  try {
    await Promise.all(
      clients.map(async (client) => {
        await client.call('open', open);
        while (next < requests.length) {
          const part = requests.slice(next, next + EPISODES_PER_CALL);
          next += part.length;
          const loaded = await client.call<LoadedEpisode[]>('load', part);
          for (const [i, request] of part.entries()) {
            const numbers = loaded[i];
            if (numbers) table.put(request, numbers, request.episode.index, request.episode.taskIndex);
          }
          done += part.length;
          progress?.(done, requests.length);
        }
      }),
    );
    table.seal();
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}
