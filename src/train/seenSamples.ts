import type { ChunkStatistics } from '../action/index.ts';
import { InputError, present, Random } from '../base/index.ts';
import { chunkCount, type DataChoice, type Dataset, type Episode, openSamples, type RawBatch } from '../data/index.ts';
import type { Robot } from '../robot/index.ts';
import { BatchMaker, type TrainingBatch } from './batch.ts';
import type { RunConfig, TrainConfig } from './config.ts';
import { settle } from './settle.ts';
import { chooseStatistics } from './statistics.ts';

export interface SeenOptions {
  /** The data set's folder. */
  readonly dir: string;
  readonly config: TrainConfig;
  readonly robot?: Robot | undefined;
  readonly choice?: DataChoice | undefined;
  /** How many samples, chosen by the seed among all chunks. */
  readonly count: number;
  /** These in place of chance: frames at which chunks of one episode begin. */
  readonly at?: { readonly episode: number | undefined; readonly frames: readonly number[] } | undefined;
  /** Of the choice, and of what is random in a batch. */
  readonly seed: number;
  /** A norm_stats.json; computed from the chosen data when left out. */
  readonly stats?: string | undefined;
  readonly threads: number;
  readonly silent: boolean;
  readonly log: (line: string) => void;
}

/** Samples as they are in the data, and as a network in training sees them. */
export interface SeenSamples {
  readonly set: Dataset;
  readonly robot: Robot;
  readonly config: RunConfig;
  readonly statistics: ChunkStatistics;
  /** Of each sample. */
  readonly episodes: readonly Episode[];
  /** Pictures are scaled to the network's size, and nothing else. */
  readonly raw: RawBatch;
  readonly batch: TrainingBatch;
}

/** Where a sample begins. */
interface Place {
  readonly episode: Episode;
  readonly frame: number;
}

/**
 * Reads samples of a data set as training with this configuration would.
 * @throws InputError when the data or the configuration do not fit, or there is no such chunk
 */
export async function seenSamples(options: SeenOptions): Promise<SeenSamples> {
  const { dir, config: wanted, robot: given, choice, seed, stats: file, threads, silent, log } = options;
  const about = { data: [dir], config: wanted, out: dir, ...(given && { robot: given }), ...(choice && { choice }) };
  const { robot, sets, config } = await settle(about, null, log);
  const set = present(sets[0], 'the set');
  const { model, endPadding } = config;
  const rule: PlaceRule = { horizon: model.actionHorizon, endPadding, every: set.info.pictures_every ?? 1 };
  const places = placesOf(set, rule, options);
  const { statistics } = await chooseStatistics({
    ...{ robot, model, data: sets, threads, silent, log, file },
    ...{ minStd: undefined, initial: undefined },
  });
  const episodes = [...new Set(places.map(({ episode }) => episode))].sort((a, b) => a.index - b.index);
  const source = await openSamples([dir], {
    robot,
    sets: [{ ...set, episodes }],
    ...{ horizon: model.actionHorizon, endPadding, frameStride: rule.every },
    taskNumStages: model.taskNumStages,
    imageSize: model.imageSize,
    stageLabels: config.stageLabels,
    ...{ seed, workers: threads, stream: 'always', log: () => undefined },
  });
  try {
    const firstOf = new Map<Episode, number>();
    let samples = 0;
    for (const episode of episodes) {
      firstOf.set(episode, samples);
      samples += placesIn(episode, rule);
    }
    const raw = await source.gather(
      places.map(({ episode, frame }) => (firstOf.get(episode) as number) + frame / rule.every),
    );
    const maker = new BatchMaker({
      ...{ robot, cameras: model.cameras, statistics, seed, flowSamples: 1 },
      ...{ taskNumStages: model.taskNumStages, stageSuccessors: model.stageSuccessors },
      ...{ stageNoise: config.stageNoise, stateNoise: config.stateNoise, pictures: config.pictures },
    });
    // The maker changes pictures in place.
    const batch = maker.make({ ...raw, pictures: raw.pictures.slice() }, 0);
    return { set, robot, config, statistics, episodes: places.map(({ episode }) => episode), raw, batch };
  } finally {
    await source.close();
  }
}

/** Where samples may begin. */
interface PlaceRule {
  readonly horizon: number;
  readonly endPadding: boolean;
  /** At every n-th frame alone, which has pictures of its own. */
  readonly every: number;
}

/** Of an episode: the places 0, 1 … are its frames 0, every … */
const placesIn = ({ length }: Episode, rule: PlaceRule): number => Math.ceil(chunkCount(length, rule) / rule.every);

function placesOf(set: Dataset, rule: PlaceRule, { at, count, seed }: SeenOptions): Place[] {
  const { horizon, every } = rule;
  const whole = set.episodes.filter((episode) => placesIn(episode, rule) > 0);
  if (whole.length === 0)
    throw new InputError(set.root, `gives no samples: no chosen episode has ${horizon} frames, the length of a chunk.`);
  if (at) {
    const episode = present(at.episode === undefined ? whole[0] : set.episodes[0], 'the episode');
    const starts = chunkCount(episode.length, rule);
    return at.frames.map((frame) => {
      if (frame >= starts)
        throw new InputError(
          '--frame',
          `no chunk of ${horizon} actions begins at frame ${frame} of episode ${episode.index} (it has ` +
            `${episode.length} frames; the last begins at ${Math.max(0, starts - 1)}).`,
        );
      if (frame % every !== 0)
        throw new InputError(
          '--frame',
          `frame ${frame} has no pictures of its own: ${set.root} has new ones in every ${every}th frame alone ` +
            `(expected a multiple of ${every}).`,
        );
      return { episode, frame };
    });
  }
  return chosenPlaces(whole, rule, count, seed);
}

/** Different chunks, each as likely as any other, in the order of the data. */
function chosenPlaces(episodes: readonly Episode[], rule: PlaceRule, count: number, seed: number): Place[] {
  const ends: number[] = [];
  for (const episode of episodes) ends.push((ends.at(-1) ?? 0) + placesIn(episode, rule));
  const all = ends.at(-1) as number;
  const random = Random.of(seed, 'samples that are shown');
  const numbers = new Set<number>();
  while (numbers.size < Math.min(count, all)) numbers.add(random.integer(all));
  return [...numbers]
    .sort((a, b) => a - b)
    .map((number) => {
      const e = ends.findIndex((end) => number < end);
      const frame = rule.every * (number - (ends[e - 1] ?? 0));
      return { episode: present(episodes[e], 'the episode'), frame };
    });
}
