import {
  FastFitter,
  FastTokenizer,
  fastChunk,
  fastColumns,
  type Moments,
  parseColumns,
  widthOf,
} from '../../action/index.ts';
import { InputError, present, Random } from '../../base/index.ts';
import { parseRobot, type RobotRecord } from '../../robot/index.ts';
import { deltaChunks, statisticsFor } from './chunks.ts';
import { RoundTrip, type RoundTripReport } from './roundTrip.ts';
import { openSource, type Report, type Source } from './source.ts';
import { vocabularyFolder } from './vocabularyFolder.ts';

type Columns = readonly (readonly [number, number])[];

export interface FitJob {
  readonly source: Source;
  readonly stats?: string | undefined;
  /** Columns of the action that are encoded, such as `0:6,7:14`; the robot's when left out. */
  readonly columns?: string | undefined;
  readonly scale: number;
  readonly vocabSize: number;
  readonly maxTokens: number;
  readonly out: string;
}

export interface FitReport extends RoundTripReport {
  readonly columns: Columns;
  readonly vocabulary: VocabularyReport;
  readonly pieces: number;
  readonly warnings: readonly string[];
  readonly seconds: number;
  readonly out: string;
}

export interface VocabularyReport {
  readonly symbols: number;
  readonly merges: number;
  readonly scale: number;
  readonly minToken: number;
  readonly horizon: number | null;
  readonly width: number | null;
}

/** Chunks that the report's round trip takes at most. */
const ROUND_TRIPS = 20_000;

/**
 * Fits a vocabulary to the chunks of data sets and writes it; a report of what it makes of (a part of) the same
 * chunks.
 */
export async function fitJob(job: FitJob, report: Report): Promise<FitReport> {
  const { scale, vocabSize, out } = job;
  const started = performance.now();
  const source = await openSource(job.source);
  const { robot, horizon } = source;
  const columns = job.columns === undefined ? fastColumns(robot) : parseColumns(job.columns, robot);
  const stats = await statisticsFor(source, job.stats, report);
  const width = widthOf(columns);
  const fitter = new FastFitter({
    horizon,
    width,
    scale,
    vocabSize,
    progress: (part) => report('fitting', Math.floor(100 * part), 100, '%'),
  });
  for await (const chunk of deltaChunks(source, 'chunks', report)) fitter.add(fastChunk(chunk, stats, robot, columns));
  const { settings, bpe, pieces, chunks, warnings } = fitter.finish();
  report('fitting', 100, 100, '%');
  const tokenizer = new FastTokenizer(settings, bpe);
  const trip = new RoundTrip(tokenizer, horizon, width);
  const some = { ...source, maxChunks: Math.min(source.maxChunks, ROUND_TRIPS) };
  for await (const chunk of deltaChunks(some, 'round trips', report)) trip.add(fastChunk(chunk, stats, robot, columns));
  const result = trip.finish(job.maxTokens);
  const dimensions = columns.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i));
  const metadata = {
    vocab_size: vocabSize,
    scale,
    encoded_dims: columns.map((range) => range.join(':')).join(','),
    encoded_dim_ranges: columns.map(([start, end]): [number, number] => [start, end]),
    total_encoded_dims: width,
    action_horizon: horizon,
    num_training_chunks: chunks,
    compression_stats: {
      compression_ratio: result.compression,
      mean_token_length: result.tokens.mean,
      p99_token_length: result.tokens.p99,
      min_token_length: result.tokens.min,
      max_token_length: result.tokens.max,
    },
    quantiles: {
      q01: dimensions.map((d) => present(stats.actions.q01[d], 'stats.actions.q01[d]')),
      q99: dimensions.map((d) => present(stats.actions.q99[d], 'stats.actions.q99[d]')),
    },
  };
  await new FastTokenizer(settings, bpe, metadata).save(out);
  const seconds = Number(((performance.now() - started) / 1000).toFixed(3));
  return {
    ...result,
    columns,
    vocabulary: described(tokenizer),
    pieces,
    warnings: [...source.notes, ...warnings],
    seconds,
    out,
  };
}

export interface CheckJob {
  readonly dir: string;
  /** Without data, smooth random chunks are taken. */
  readonly source?: Source | undefined;
  /** Whose columns, where there is no data to say it. */
  readonly robot?: RobotRecord | undefined;
  readonly horizon?: number | undefined;
  readonly stats?: string | undefined;
  readonly columns?: string | undefined;
  readonly maxTokens: number;
}

export interface CheckReport extends RoundTripReport {
  readonly columns: Columns;
  readonly vocabulary: VocabularyReport;
  readonly data: string;
  readonly warnings: readonly string[];
}

/** Reads a vocabulary and takes chunks there and back. */
export async function checkJob(job: CheckJob, report: Report): Promise<CheckReport> {
  const dir = vocabularyFolder(job.dir);
  if (dir === undefined)
    throw new InputError(
      job.dir,
      'holds no vocabulary (looked for tokenizer.json in it and in its assets). Fit one with `valet tokenizer fit`.',
    );
  const tokenizer = await FastTokenizer.load(dir);
  const data = job.source && (await openSource(job.source));
  const robot = data?.robot ?? (job.robot && parseRobot(job.robot));
  const columns =
    job.columns === undefined
      ? (tokenizer.metadata?.encoded_dim_ranges ?? (robot && fastColumns(robot)) ?? all(tokenizer.settings.width))
      : parseColumns(job.columns, robot ?? { width: Number.MAX_SAFE_INTEGER });
  if (!columns)
    throw new InputError(dir, 'does not say which columns it encodes. Give --columns, or --robot NAME|FILE.');
  const { horizon = data?.horizon ?? job.horizon, width = widthOf(columns) } = tokenizer.settings;
  if (job.horizon !== undefined && job.horizon !== horizon)
    throw new InputError('--horizon', `is ${job.horizon}, and ${dir} encodes chunks of ${horizon}. Leave it out.`);
  if (robot && columns.some(([, end]) => end > robot.width))
    throw new InputError(
      dir,
      `encodes columns up to ${Math.max(...columns.map(([, end]) => end))}, and the actions of ${robot.name} have ` +
        `${robot.width}. It is of another robot.`,
    );
  if (horizon === undefined) throw new InputError(dir, 'does not say how long its chunks are. Give --horizon.');
  const trip = new RoundTrip(tokenizer, horizon, width);
  const about = { columns, vocabulary: described(tokenizer) };
  if (!data || !robot) {
    for (const chunk of randomChunks(horizon, width)) trip.add(chunk);
    return { ...trip.finish(job.maxTokens), ...about, data: 'smooth random chunks', warnings: [] };
  }
  if (widthOf(columns) !== width)
    throw new InputError(
      dir,
      `its chunks have ${width} dimensions, the columns ${widthOf(columns)}. Give the --columns that it was fitted to.`,
    );
  const source = { ...data, horizon };
  const stats =
    job.stats === undefined && tokenizer.metadata?.quantiles && !job.columns
      ? { actions: spread(tokenizer.metadata.quantiles, columns) }
      : await statisticsFor(source, job.stats, report);
  for await (const chunk of deltaChunks(source, 'round trips', report))
    trip.add(fastChunk(chunk, stats, robot, columns));
  return { ...trip.finish(job.maxTokens), ...about, data: source.folders.join(', '), warnings: source.notes };
}

/** Columns of a vocabulary that only says how many it encodes. */
const all = (width: number | undefined): Columns | undefined => (width === undefined ? undefined : [[0, width]]);

/** Quantiles of the encoded dimensions at their places among all. */
function spread({ q01, q99 }: { q01: readonly number[]; q99: readonly number[] }, columns: Columns): Moments {
  const dimensions = columns.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i));
  const at = (values: readonly number[]) => {
    const out = new Float64Array(Math.max(...dimensions) + 1);
    for (const [i, d] of dimensions.entries()) out[d] = values[i] ?? Number.NaN;
    return out;
  };
  return { mean: new Float64Array(0), std: new Float64Array(0), q01: at(q01), q99: at(q99) };
}

function described({ settings, bpe }: FastTokenizer): VocabularyReport {
  const { scale, minToken, horizon, width } = settings;
  const symbols = bpe.vocab.filter((text) => text !== undefined).length;
  return { symbols, merges: bpe.merges.length, scale, minToken, horizon: horizon ?? null, width: width ?? null };
}

/** Chunks of a few slow waves within [-1, 1]. */
function* randomChunks(horizon: number, width: number): Generator<Float64Array> {
  const random = Random.of('fast round trips');
  for (let n = 0; n < 1000; n++) {
    const chunk = new Float64Array(horizon * width);
    for (let d = 0; d < width; d++) {
      const [offset, slope, size, phase] = [
        random.between(-0.5, 0.5),
        random.between(-0.3, 0.3),
        random.between(0, 0.2),
        random.between(0, 6),
      ];
      for (let t = 0; t < horizon; t++) {
        const at = t / horizon;
        chunk[t * width + d] = offset + slope * at + size * Math.sin(phase + 4 * at);
      }
    }
    yield chunk;
  }
}
