import { type ChunkStatistics, readNormStats, StatisticsAccumulator } from '../action/index.ts';
import { Progress } from '../base/index.ts';
import { openDataset, parseDataFolder } from '../data/index.ts';

/** Exact statistics over every chunk of every episode of the data sets (`dir` or `dir:weight`; weights count for nothing here). */
async function statisticsOf(
  folders: readonly string[],
  { silent = false }: { silent?: boolean } = {},
): Promise<ChunkStatistics> {
  const sets = await Promise.all(folders.map((folder) => openDataset(parseDataFolder(folder).dir)));
  const total = sets.reduce((sum, { episodes }) => sum + episodes.length, 0);
  const reading = new Progress('reading actions', total, { unit: 'episodes', silent });
  const accumulator = new StatisticsAccumulator();
  for (const set of sets)
    for (const episode of set.episodes) {
      const columns = await set.columns(episode, ['observation.state', 'action']);
      accumulator.add({
        state: Float32Array.from(columns['observation.state'].data),
        actions: Float32Array.from(columns['action'].data),
      });
      reading.add();
    }
  reading.end();
  const computing = new Progress('statistics', 100, { unit: '%', silent });
  const statistics = accumulator.finish((part, doing) => computing.at(Math.round(100 * part), doing));
  computing.end();
  return statistics;
}

/**
 * What actions and states are normalised with: a file when one is named, else those of the checkpoint that training starts from (its
 * weights know no others), else those of the data.
 */
export async function chooseStatistics({
  file,
  initial,
  data,
  silent,
}: {
  readonly file: string | undefined;
  readonly initial: ChunkStatistics | undefined;
  readonly data: readonly string[];
  readonly silent: boolean;
}): Promise<ChunkStatistics> {
  if (file !== undefined) return readNormStats(file);
  return initial ?? statisticsOf(data, { silent });
}
