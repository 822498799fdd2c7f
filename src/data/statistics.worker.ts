import { StatisticsAccumulator, type TailBounds } from '../action/index.ts';
import { answerCalls, InputError, Transfer } from '../base/index.ts';
import type { Dataset } from './dataset.ts';
import { openDataset } from './open.ts';

const WIDTH = 23;
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
    const where = `${dataset.dataPath(episode)} (episode ${episode.index})`;
    const { 'observation.state': state, action } = await dataset.columns(episode, ['observation.state', 'action']);
    if (action.width !== WIDTH)
      throw new InputError(where, `actions of another width (got ${action.width}, expected ${WIDTH}).`);
    if (state.rows !== action.rows)
      throw new InputError(where, `${state.rows} states and ${action.rows} actions (expected as many).`);
    if (action.rows === 0) throw new InputError(where, `holds no frames (expected ${episode.length}).`);
    try {
      accumulator.add({ state: float32(state.data), actions: float32(action.data) });
    } catch (error) {
      if (error instanceof InputError) throw new InputError(where, error.message, { cause: error });
      throw error;
    }
    return action.rows;
  },

  /** Reads the same columns and does nothing with them, to see how long that takes. */
  async read({ set, episode }: { set: number; episode: number }) {
    const dataset = datasets[set]!;
    const { action } = await dataset.columns(dataset.episodes[episode]!, ['observation.state', 'action']);
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

const float32 = (data: Float32Array | Float64Array) => (data instanceof Float32Array ? data : Float32Array.from(data));
