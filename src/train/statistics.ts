import { type ChunkStatistics, readNormStats } from '../action/index.ts';
import { InputError, Progress } from '../base/index.ts';
import { datasetStatistics, parseDataFolder } from '../data/index.ts';
import type { ModelConfig } from '../model/index.ts';
import type { Robot } from '../robot/index.ts';

interface Choice {
  readonly robot: Robot;
  readonly model: Pick<ModelConfig, 'actionDim' | 'actionHorizon'>;
  /** Data sets (`dir` or `dir:weight`; weights count for nothing here). */
  readonly data: readonly string[];
  readonly threads: number;
  readonly silent: boolean;
}

/** Statistics over every chunk of every episode of the data sets, of the network's width and horizon. */
async function statisticsOf({ robot, model, data, threads, silent }: Choice): Promise<ChunkStatistics> {
  let reading: Progress | undefined;
  let computing: Progress | undefined;
  const folders = data.map((folder) => parseDataFolder(folder).dir);
  const { statistics } = await datasetStatistics(folders, {
    robot,
    horizon: model.actionHorizon,
    paddedWidth: model.actionDim,
    workers: threads,
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

/**
 * What actions and states are normalised with: a file when one is named, else those of the checkpoint that training
 * starts from (its
 * weights know no others), else those of the data. @throws InputError when the file's are of other chunks
 */
export async function chooseStatistics({
  file,
  initial,
  ...choice
}: Choice & {
  readonly file: string | undefined;
  readonly initial: ChunkStatistics | undefined;
}): Promise<ChunkStatistics> {
  if (file === undefined) return initial ?? statisticsOf(choice);
  const given = await readNormStats(file);
  const { actionDim, actionHorizon } = choice.model;
  if (given.horizon !== actionHorizon || given.width !== actionDim)
    throw new InputError(
      file,
      `is of chunks of ${given.horizon} x ${given.width} numbers (expected ${actionHorizon} x ${actionDim}, the ` +
        `network's). Compute them with valet stats, or leave --stats out.`,
    );
  return given;
}
