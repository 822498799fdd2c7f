import { type ChunkStatistics, raiseDeviations, readNormStats } from '../action/index.ts';
import { InputError, Progress } from '../base/index.ts';
import { type Dataset, datasetStatistics } from '../data/index.ts';
import { type ModelConfig, requireStatisticsFit, statisticsHash } from '../model/index.ts';
import { deviationFloors, type Robot } from '../robot/index.ts';

interface Choice {
  readonly robot: Robot;
  readonly model: Pick<ModelConfig, 'actionDim' | 'actionHorizon'>;
  readonly data: readonly Dataset[];
  readonly threads: number;
  readonly silent: boolean;
  /** Leave out episodes with numbers that are none. */
  readonly skipWrong?: boolean | undefined;
}

/** Statistics over every chunk of every episode of the data sets, of the network's width and horizon. */
async function statisticsOf({ robot, model, data, threads, silent, skipWrong }: Choice): Promise<ChunkStatistics> {
  let reading: Progress | undefined;
  let computing: Progress | undefined;
  const folders = data.map(({ root }) => root);
  const { statistics } = await datasetStatistics(folders, {
    robot,
    sets: data,
    horizon: model.actionHorizon,
    paddedWidth: model.actionDim,
    workers: threads,
    skipWrong,
    reading(frames, total) {
      reading ??= new Progress('reading actions', total, { unit: 'frames', silent });
      reading.at(frames);
      if (frames === total) reading.end();
    },
    computing(part, doing) {
      computing ??= new Progress('statistics', 100, { unit: '%', silent });
      computing.at(Math.round(100 * part), doing);
    },
  });
  computing?.end();
  return statistics;
}

/** Of the checkpoint that training starts from. */
interface InitialStatistics {
  readonly from: string;
  readonly statistics: ChunkStatistics;
  /** The hash of those that it was trained with, where its card says. */
  readonly recorded?: unknown;
}

/**
 * What actions and states are normalised with: a file when one is named, else those of the checkpoint that training
 * starts from (its weights know no others), else those of the data, whose small deviations are raised to the robot's
 * floors (or to `minStd`). `from` names where they come from; undefined for the data's own.
 * @throws InputError when the file's are of other chunks, or `minStd` would change nothing
 */
export async function chooseStatistics({
  file,
  minStd,
  initial,
  log,
  ...choice
}: Choice & {
  readonly file: string | undefined;
  readonly minStd: number | undefined;
  readonly initial: InitialStatistics | undefined;
  readonly log: (line: string) => void;
}): Promise<{ statistics: ChunkStatistics; from: string | undefined }> {
  const { robot } = choice;
  if (minStd !== undefined && (file !== undefined || initial))
    throw new InputError('--min-std', `has no effect on the statistics of ${file ?? initial?.from}. Leave it out.`);
  if (file === undefined && initial) return { statistics: initial.statistics, from: initial.from };
  if (file === undefined) {
    const floors = minStd === undefined ? deviationFloors(robot) : new Array<number>(robot.width).fill(minStd);
    return { statistics: raiseDeviations(await statisticsOf(choice), floors), from: undefined };
  }
  const statistics = await readNormStats(file);
  requireStatisticsFit(file, statistics, robot, choice.model);
  if (initial && !areThoseOf(initial, statistics))
    log(
      `${file}: other statistics than those that ${initial.from} was trained with; its weights have to learn them anew`,
    );
  return { statistics, from: file };
}

function areThoseOf({ statistics, recorded }: InitialStatistics, other: ChunkStatistics): boolean {
  return typeof recorded === 'string' ? statisticsHash(other) === recorded : sameStatistics(other, statistics);
}

/** @throws InputError when a run that goes on is given other statistics than it has */
export async function requireSameStatistics(file: string, has: ChunkStatistics, out: string): Promise<void> {
  if (!sameStatistics(await readNormStats(file), has))
    throw new InputError(
      file,
      `holds other statistics than the run in ${out} has. Leave --stats out to go on with it.`,
    );
}

function sameStatistics(a: ChunkStatistics, b: ChunkStatistics): boolean {
  const numbers = ({ state, actions, perTimestep, correlation }: ChunkStatistics): Float64Array[] => [
    ...[state, actions, perTimestep].flatMap(({ mean, std, q01, q99 }) => [mean, std, q01, q99]),
    correlation?.cholesky ?? new Float64Array(0),
  ];
  const [left, right] = [numbers(a), numbers(b)];
  return left.every((own, i) => own.length === right[i]?.length && own.every((x, k) => x === right[i]?.[k]));
}
