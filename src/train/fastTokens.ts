import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ChunkStatistics,
  deltaChunk,
  FastFitter,
  FastTokenizer,
  fastChunk,
  fastColumns,
  widthOf,
} from '../action/index.ts';
import { InputError } from '../base/index.ts';
import type { SampleStore } from '../data/index.ts';
import type { ModelConfig } from '../model/index.ts';
import type { Robot } from '../robot/index.ts';
import type { ChunkTokenizer } from './batch.ts';

/** Chunks that a vocabulary is fitted on when none is given; more change it little. */
const FIT_CHUNKS = 3000;
const GATHER = 64;

/** Folder of the FAST vocabulary in a checkpoint. */
export const fastFolder = (checkpoint: string, assetId = 'household'): string =>
  join(checkpoint, 'assets', assetId, 'fast_tokenizer');

/**
 * The FAST vocabulary of a run: the folder that is named, else that of the checkpoint that training starts from or
 * goes on from, else
 * one fitted on the data. @throws InputError when it has more ids than the network has rows, or encodes other chunks
 * than the robot's
 */
export async function chooseTokenizer(
  model: ModelConfig,
  options: {
    readonly folder: string | undefined;
    readonly checkpoints: readonly (string | null | undefined)[];
    readonly robot: Robot;
    readonly store: SampleStore;
    readonly statistics: ChunkStatistics;
    readonly log: (line: string) => void;
  },
): Promise<FastTokenizer | undefined> {
  if (!model.useFastAuxiliary) return undefined;
  const kept = options.checkpoints.flatMap((checkpoint) => (checkpoint ? [fastFolder(checkpoint)] : []));
  const folder = options.folder ?? kept.find((path) => existsSync(path));
  const tokenizer = folder === undefined ? fitOnData(model, options) : await FastTokenizer.load(folder);
  const width = widthOf(fastColumns(options.robot));
  if (tokenizer.settings.width !== undefined && tokenizer.settings.width !== width)
    throw new InputError(
      folder ?? 'FAST',
      `encodes ${tokenizer.settings.width} columns of the action, the robot ${options.robot.name} has ${width}. ` +
        'Fit one on its data.',
    );
  if (tokenizer.size > model.fastVocabSize)
    throw new InputError(
      folder ?? 'FAST',
      `has ${tokenizer.size} ids, the network has rows for ${model.fastVocabSize}. Set ` +
        `model.fastVocabSize=${tokenizer.size}.`,
    );
  return tokenizer;
}

/** Fitted on chunks spread evenly over the data. */
function fitOnData(
  model: ModelConfig,
  {
    robot,
    store,
    statistics,
    log,
  }: { robot: Robot; store: SampleStore; statistics: ChunkStatistics; log: (line: string) => void },
): FastTokenizer {
  const count = Math.min(store.size, FIT_CHUNKS);
  log(`fitting a FAST vocabulary on ${count} chunks`);
  const fitter = new FastFitter({
    horizon: store.horizon,
    width: widthOf(fastColumns(robot)),
    vocabSize: model.fastVocabSize,
  });
  for (let from = 0; from < count; from += GATHER) {
    const size = Math.min(GATHER, count - from);
    const raw = store.gather(Array.from({ length: size }, (_, i) => Math.floor(((from + i) * store.size) / count)));
    const chunk = store.horizon * robot.width;
    for (let b = 0; b < size; b++) {
      const state = raw.state.subarray(b * robot.width, (b + 1) * robot.width);
      const deltas = deltaChunk(raw.actions.subarray(b * chunk, (b + 1) * chunk), state, robot);
      fitter.add(fastChunk(deltas, statistics, robot));
    }
  }
  const { settings, bpe, warnings } = fitter.finish();
  for (const warning of warnings) log(warning);
  return new FastTokenizer(settings, bpe);
}

/** What batches take: ids of delta chunks in physical units. */
export function chunkTokenizer(tokenizer: FastTokenizer, statistics: ChunkStatistics, robot: Robot): ChunkTokenizer {
  const width = widthOf(fastColumns(robot));
  return {
    encode: (deltas) => tokenizer.encode(fastChunk(deltas, statistics, robot), deltas.length / robot.width, width),
  };
}
