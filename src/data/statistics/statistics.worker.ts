import { StatisticsAccumulator, type StatisticsOptions, type TailBounds } from '../../action/index.ts';
import { answerCalls, InputError, Transfer } from '../../base/index.ts';
import { parseRobot, type RobotRecord } from '../../robot/index.ts';
import {
  type Dataset,
  type Episode,
  eachRow,
  eachRowOfPages,
  openPlaces,
  prepareReader,
  queryColumns,
  type RowSink,
  type SetPlace,
  withFiles,
} from '../lerobot/index.ts';

/** Which data sets there are, whose, and what is computed of them. */
export interface OpenStatistics {
  readonly sets: readonly SetPlace[];
  readonly robot: RobotRecord;
  readonly chunks: Pick<StatisticsOptions, 'horizon' | 'paddedWidth' | 'memory' | 'skipWrong'>;
  /** `read` has the general reader ready before the first call. */
  readonly how?: 'read' | 'pick' | undefined;
}

/** Episodes of one file, for one worker. */
export interface EpisodeJob {
  readonly set: number;
  readonly episodes: Episode[];
}

const COLUMNS = ['observation.state', 'action'] as const;
let datasets: Dataset[] = [];
/** Made by `open`, which is called first. */
let accumulator: StatisticsAccumulator;
let renew: () => StatisticsAccumulator;
let width = 0;

/** Puts rows into the accumulator. */
const sink: RowSink = {
  begin: () => accumulator.begin(),
  rows(column, data, start, rows, rowWidth) {
    if (column === 0) accumulator.addStates(data, start, rows, rowWidth);
    else if (rowWidth === width) accumulator.addActions(data, start, rows);
    else throw new InputError('statistics', `actions of another width (got ${rowWidth}, expected ${width}).`);
  },
  end: (length) => accumulator.end(length),
};

/** The data set and the episodes of a job, which lie in one file. */
function jobOf({ set, episodes }: EpisodeJob): { dataset: Dataset; episodes: Episode[] } {
  const dataset = datasets[set];
  if (!dataset) throw new InputError('statistics', `there is no data set ${set}.`);
  return { dataset, episodes };
}

/** A share of a data set's statistics: episodes as they come, then the sums, then refinements of the quantiles. */
answerCalls({
  async open({ sets, robot: record, chunks, how }: OpenStatistics) {
    if (how === 'read') await prepareReader();
    const robot = parseRobot(record);
    width = robot.width;
    datasets = await openPlaces(sets, robot);
    renew = () => new StatisticsAccumulator({ robot, ...chunks });
    accumulator = renew();
  },

  /** Begins anew; with `framesOnly` what is added is kept for quantiles alone. */
  reset({ framesOnly }: { readonly framesOnly: boolean }) {
    accumulator = renew();
    accumulator.keepsFramesOnly = framesOnly;
  },

  /** Adds episodes of one file, and returns how many frames they have. */
  async add(job: EpisodeJob) {
    const { dataset, episodes } = jobOf(job);
    const before = accumulator.frames;
    await eachRow(dataset, episodes, COLUMNS, sink);
    return accumulator.frames - before;
  },

  /** Keeps the frames of episodes whose sums are known from a run before. */
  async keep(job: EpisodeJob) {
    const { dataset, episodes } = jobOf(job);
    accumulator.keepsFramesOnly = true;
    try {
      await eachRow(dataset, episodes, COLUMNS, sink);
    } finally {
      accumulator.keepsFramesOnly = false;
    }
    return episodes.reduce((sum, { length }) => sum + length, 0);
  },

  /** Has the general reader build the same columns, and does nothing with them, to see how long that takes. */
  async read(job: EpisodeJob) {
    const { dataset, episodes } = jobOf(job);
    let frames = 0;
    for (const episode of episodes) {
      const where = dataset.format === 'v2.1' ? undefined : `episode_index = ${episode.index}`;
      const read = () => queryColumns(dataset.dataPath(episode), COLUMNS, where);
      frames += (await withFiles(dataset, [episode], [], read)).action.rows;
    }
    return frames;
  },

  /** Only takes from the pages the numbers that are needed; returns of how many frames that was possible. */
  async pick(job: EpisodeJob) {
    const { dataset, episodes } = jobOf(job);
    return eachRowOfPages(dataset, episodes, COLUMNS, { ...sink, end: () => {} });
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
