import { join } from 'node:path';
import {
  type ChunkStatistics,
  deltaChunk,
  FastFitter,
  FastTokenizer,
  fastChunk,
  fastColumns,
  requireVocabularyFit,
  widthOf,
} from '../action/index.ts';
import { InputError } from '../base/index.ts';
import type { SampleSource } from '../data/index.ts';
import type { ModelConfig } from '../model/index.ts';
import type { Robot } from '../robot/index.ts';
import type { ChunkTokenizer } from './batch.ts';
import { vocabularyFolder } from './tokenizer/index.ts';

/** Chunks that a vocabulary is fitted on when none is given; more change it little. */
const FIT_CHUNKS = 3000;
const GATHER = 64;

/** Folder of the FAST vocabulary in a checkpoint. */
export const fastFolder = (checkpoint: string, assetId = 'household'): string =>
  join(checkpoint, 'assets', assetId, 'fast_tokenizer');

/**
 * The FAST vocabulary of a run: the folder or checkpoint that is named; else that of the checkpoint that training goes
 * on from or starts from, whatever its asset is called; else one fitted on the data. Which, is logged.
 * @throws InputError when it has more ids than the network has rows, encodes other chunks than the network's and the
 * robot's, or is not the one of the run that goes on
 */
export async function chooseTokenizer(
  model: ModelConfig,
  options: {
    /** The one that is named. */
    readonly folder: string | undefined;
    /** Checkpoint that the run goes on from. */
    readonly kept: string | undefined;
    /** Checkpoint that the run starts from. */
    readonly initial: string | undefined;
    readonly robot: Robot;
    readonly store: SampleSource;
    readonly statistics: ChunkStatistics;
    readonly log: (line: string) => void;
  },
): Promise<FastTokenizer | undefined> {
  if (!model.useFastAuxiliary) return undefined;
  const { folder: named, kept, initial, log } = options;
  const folder = named === undefined ? keptVocabulary(kept ?? initial) : vocabularyFolder(named);
  if (folder === undefined && named !== undefined)
    throw new InputError(named, 'holds no FAST vocabulary. Fit one with `valet tokenizer fit`.');
  if (folder !== undefined) log(`FAST vocabulary: ${folder}`);
  else if (initial !== undefined) log(`${initial} holds no FAST vocabulary`);
  const tokenizer = folder === undefined ? await fitOnData(model, options) : await FastTokenizer.load(folder);
  requireVocabularyFit(folder ?? 'FAST', tokenizer, {
    horizon: model.actionHorizon,
    columns: fastColumns(options.robot),
  });
  if (named !== undefined && kept !== undefined) await requireSameVocabulary(named, tokenizer, kept);
  if (tokenizer.size > model.fastVocabSize)
    throw new InputError(
      folder ?? 'FAST',
      `has ${tokenizer.size} ids, the network has rows for ${model.fastVocabSize}. Set ` +
        `model.fastVocabSize=${tokenizer.size}.`,
    );
  return tokenizer;
}

const keptVocabulary = (checkpoint: string | undefined): string | undefined =>
  checkpoint === undefined ? undefined : vocabularyFolder(checkpoint);

/** @throws InputError when a run that goes on is given another vocabulary than it has */
async function requireSameVocabulary(named: string, { settings, bpe }: FastTokenizer, kept: string): Promise<void> {
  const folder = vocabularyFolder(kept);
  const has = folder === undefined ? undefined : await FastTokenizer.load(folder);
  if (JSON.stringify([settings, bpe]) !== JSON.stringify([has?.settings, has?.bpe]))
    throw new InputError(named, `is another vocabulary than the run's in ${kept}. Leave --tokenizer out to go on.`);
}

/** Fitted on chunks spread evenly over the data. */
async function fitOnData(
  model: ModelConfig,
  {
    robot,
    store,
    statistics,
    log,
  }: { robot: Robot; store: SampleSource; statistics: ChunkStatistics; log: (line: string) => void },
): Promise<FastTokenizer> {
  const count = Math.min(store.size, FIT_CHUNKS);
  log(`fitting a FAST vocabulary on ${count} chunks`);
  const fitter = new FastFitter({
    horizon: store.horizon,
    width: widthOf(fastColumns(robot)),
    vocabSize: model.fastVocabSize,
  });
  for (let from = 0; from < count; from += GATHER) {
    const size = Math.min(GATHER, count - from);
    const spread = Array.from({ length: size }, (_, i) => Math.floor(((from + i) * store.size) / count));
    const raw = await store.gather(spread, { pictures: false });
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
