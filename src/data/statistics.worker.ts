import { StatisticsAccumulator, type TailBounds } from '../action/index.ts';
import { answerCalls, InputError, Transfer } from '../base/index.ts';
import type { Dataset } from './dataset.ts';
import { openDataset } from './open.ts';
import { PageReader } from './pages/pageReader.ts';

const WIDTH = 23;
const COLUMNS = ['observation.state', 'action'] as const;
let pages: PageReader | undefined;
let datasets: Dataset[] = [];
let accumulator = new StatisticsAccumulator({ memory: 0 });

/** A share of a data set's statistics: episodes as they come, then the sums, then refinements of the quantiles. */
answerCalls({
  async open({ folders, memory }: { folders: readonly string[]; memory: number }) {
    datasets = await Promise.all(folders.map((folder) => openDataset(folder)));
    accumulator = new StatisticsAccumulator({ memory });
  },

  async add({ set, episode: number }: { set: number; episode: number }) {
    const dataset = datasets[set]!;
    const episode = dataset.episodes[number]!;
    const path = dataset.dataPath(episode);
    const where = `${path} (episode ${episode.index})`;
    // A file of its own for each episode: the numbers that are needed are taken from its pages.
    try {
      if (dataset.format === 'v2.1' && readPages(path)) {
        const frames = accumulator.begun.actions;
        accumulator.end();
        return frames;
      }
    } catch (error) {
      throw placed(where, error);
    }
    const { 'observation.state': state, action } = await dataset.columns(episode, COLUMNS);
    if (action.width !== WIDTH)
      throw new InputError(where, `actions of another width (got ${action.width}, expected ${WIDTH}).`);
    if (state.rows !== action.rows)
      throw new InputError(where, `${state.rows} states and ${action.rows} actions (expected as many).`);
    if (action.rows === 0) throw new InputError(where, `holds no frames (expected ${episode.length}).`);
    try {
      accumulator.add({ state: float32(state.data), actions: float32(action.data) });
    } catch (error) {
      throw placed(where, error);
    }
    return action.rows;
  },

  /** Reads the same columns and does nothing with them, to see how long that takes. */
  async read({ set, episode }: { set: number; episode: number }) {
    const dataset = datasets[set]!;
    const { action } = await dataset.columns(dataset.episodes[episode]!, COLUMNS);
    return action.rows;
  },

  state() {
    const { sums, counts, extremes, episodes } = accumulator.state();
    // The frames stay here; that there are any says that nothing was counted.
    return new Transfer({ sums, counts, extremes, episodes: episodes && [] }, [sums.words.buffer, counts.buffer]);
  },

  sample(stride: number) {
    const sample = accumulator.sample(stride);
    return new Transfer(sample, [sample.buffer]);
  },

  tails(bounds: TailBounds) {
    const { counts, sizes, values } = accumulator.tails(bounds);
    return new Transfer({ counts, sizes, values }, [counts.buffer, sizes.buffer, values.buffer]);
  },
});

/** Begins an episode with the rows of a file; false where the ordinary reader must see to it. */
function readPages(path: string): boolean {
  pages ??= new PageReader();
  accumulator.begin();
  const read = pages.read(path, COLUMNS, (column, data, start, rows, width) => {
    if (column === 0) accumulator.addStates(data, start, rows, width);
    else if (width === WIDTH) accumulator.addActions(data, start, rows);
  });
  const { states, actions } = accumulator.begun;
  return read && states === actions && actions > 0;
}

function placed(where: string, error: unknown): unknown {
  return error instanceof InputError ? new InputError(where, error.message, { cause: error }) : error;
}

const float32 = (data: Float32Array | Float64Array) => (data instanceof Float32Array ? data : Float32Array.from(data));
