import { StatisticsAccumulator, type TailBounds } from '../action/index.ts';
import { answerCalls, InputError, Transfer } from '../base/index.ts';
import type { Dataset, Episode } from './dataset.ts';
import { openDataset } from './open.ts';
import { PageReader, type RowRange, type TakeRows } from './pages/pageReader.ts';
import { episodeRows, prepareReader, readColumns } from './parquet.ts';
import type { EpisodeJob } from './statistics.ts';

const WIDTH = 23;
const COLUMNS = ['observation.state', 'action'] as const;
let pages: PageReader | undefined;
let datasets: Dataset[] = [];
let accumulator = new StatisticsAccumulator({ memory: 0 });

/** A share of a data set's statistics: episodes as they come, then the sums, then refinements of the quantiles. */
answerCalls({
  async open({ folders, memory, how }: { folders: readonly string[]; memory: number; how?: 'read' | 'pick' }) {
    if (how === 'read') await prepareReader();
    datasets = await Promise.all(folders.map((folder) => openDataset(folder)));
    accumulator = new StatisticsAccumulator({ memory });
  },

  /** Adds episodes of one file, and returns how many frames they have. */
  async add(job: EpisodeJob) {
    const dataset = datasets[job.set]!;
    const before = accumulator.frames;
    const rest = new Set(job.episodes.map((number) => dataset.episodes[number]!));
    for (const run of await runsOf(dataset, [...rest]))
      if (addFromPages(dataset, run)) for (const episode of run.episodes) rest.delete(episode);
    for (const episode of rest) await addFromColumns(dataset, episode);
    return accumulator.frames - before;
  },

  /** Reads the same columns with the general reader and does nothing with them, to see how long that takes. */
  async read({ set, episodes }: EpisodeJob) {
    const dataset = datasets[set]!;
    let frames = 0;
    for (const number of episodes) {
      const episode = dataset.episodes[number]!;
      const where = dataset.format === 'v3.0' ? `episode_index = ${episode.index}` : undefined;
      frames += (await readColumns(dataset.dataPath(episode), COLUMNS, where)).action.rows;
    }
    return frames;
  },

  /** Only takes from the pages the numbers that are needed; returns of how many frames that was possible. */
  async pick({ set, episodes }: EpisodeJob) {
    const dataset = datasets[set]!;
    const runs = await runsOf(
      dataset,
      episodes.map((number) => dataset.episodes[number]!),
    );
    return runs.reduce((frames, run) => frames + (readPages(run) ? accumulator.begun.actions : 0), 0);
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

/** Episodes one after the other in a file; without `range` they are all of it. */
interface Run {
  readonly path: string;
  readonly episodes: readonly Episode[];
  readonly lengths: readonly number[] | undefined;
  readonly range: RowRange | undefined;
}

let lastFile: { path: string; rows: Awaited<ReturnType<typeof episodeRows>> } | undefined;

/** Those of the episodes of which it is known where in their file they are, in runs without gaps. */
async function runsOf(dataset: Dataset, episodes: readonly Episode[]): Promise<Run[]> {
  const path = dataset.dataPath(episodes[0]!);
  if (dataset.format === 'v2.1')
    return episodes.map((episode) => ({
      path: dataset.dataPath(episode),
      episodes: [episode],
      lengths: undefined,
      range: undefined,
    }));
  if (lastFile?.path !== path) lastFile = { path, rows: await episodeRows(path).catch(() => new Map()) };
  const { rows } = lastFile;
  const runs: { path: string; episodes: Episode[]; lengths: number[]; range: { from: number; to: number } }[] = [];
  const found = episodes.filter(({ index }) => rows.has(index));
  for (const episode of found.sort((a, b) => rows.get(a.index)!.from - rows.get(b.index)!.from)) {
    const { from, to } = rows.get(episode.index)!;
    if (runs.at(-1)?.range.to !== from) runs.push({ path, episodes: [], lengths: [], range: { from, to } });
    const run = runs.at(-1)!;
    run.episodes.push(episode);
    run.lengths.push(to - from);
    run.range.to = to;
  }
  return runs;
}

/** Adds a run's episodes, taking the numbers that are needed from the pages; false (and nothing was added) where the ordinary reader must see to it. */
function addFromPages(dataset: Dataset, run: Run): boolean {
  let current = run.episodes[0]!;
  try {
    if (!readPages(run)) return false;
    run.episodes.forEach((episode, i) => {
      current = episode;
      accumulator.end(run.lengths?.[i]);
    });
    return true;
  } catch (error) {
    throw placed(dataset, current, error);
  }
}

/** Begins an episode with a run's rows; false where the ordinary reader must see to it. */
function readPages({ path, range }: Run): boolean {
  pages ??= new PageReader();
  accumulator.begin();
  const take: TakeRows = (column, data, start, rows, width) => {
    if (column === 0) accumulator.addStates(data, start, rows, width);
    else if (width === WIDTH) accumulator.addActions(data, start, rows);
  };
  const read = pages.read(path, COLUMNS, take, range);
  const { states, actions } = accumulator.begun;
  return read && states === actions && actions > 0;
}

async function addFromColumns(dataset: Dataset, episode: Episode): Promise<void> {
  const { 'observation.state': state, action } = await dataset.columns(episode, COLUMNS);
  const where = placeOf(dataset, episode);
  if (action.width !== WIDTH)
    throw new InputError(where, `actions of another width (got ${action.width}, expected ${WIDTH}).`);
  if (state.rows !== action.rows)
    throw new InputError(where, `${state.rows} states and ${action.rows} actions (expected as many).`);
  if (action.rows === 0) throw new InputError(where, `holds no frames (expected ${episode.length}).`);
  try {
    accumulator.add({ state: float32(state.data), actions: float32(action.data) });
  } catch (error) {
    throw placed(dataset, episode, error);
  }
}

const placeOf = (dataset: Dataset, episode: Episode) => `${dataset.dataPath(episode)} (episode ${episode.index})`;

/** The error with the episode's file in it. */
function placed(dataset: Dataset, episode: Episode, error: unknown): unknown {
  if (!(error instanceof InputError)) return error;
  const what = error.message.slice(error.where.length + 2); // where in the program is nothing to the reader
  return new InputError(placeOf(dataset, episode), what, { cause: error });
}

const float32 = (data: Float32Array | Float64Array) => (data instanceof Float32Array ? data : Float32Array.from(data));
