import { InputError } from '../../base/index.ts';
import type { Dataset, Episode } from './dataset.ts';
import type { Info } from './layout.ts';
import { PageReader, type RowRange, type TakeRows } from './pages/pageReader.ts';
import { type Column, episodeRows, isInOrder, joined, queryColumns } from './parquet.ts';
import { withFiles } from './withFiles.ts';

/**
 * The one way to the numbers of a parquet file, for statistics, samples and checks alike. Columns of float32 lists in
 * the common form are taken straight
 * from their pages (pages/); everything else, and what is damaged, is left to DuckDB (parquet.ts), which reads every
 * form and says what is wrong.
 * Why both: docs/lab/parquet.md.
 */
let pages: PageReader | undefined;

/**
 * Which rows of the file that was asked for last are of which episode: neighbours are asked for one after the other.
 */
let lastFile: { readonly path: string; readonly rows: ReadonlyMap<number, RowRange> } | undefined;

async function rowsOfFile(path: string): Promise<ReadonlyMap<number, RowRange>> {
  if (lastFile?.path !== path) lastFile = { path, rows: await episodeRows(path).catch(() => new Map()) };
  return lastFile.rows;
}

/**
 * Whole columns of a file, or of one episode of it, in the order of the frames.
 * @param options.numbered the file numbers its frames, and its rows may stand in another order
 * @throws ParquetError when the file is damaged, a column is missing, or a list column's rows differ in length
 */
export async function readColumns<N extends string>(
  path: string,
  names: readonly N[],
  episode?: Pick<Episode, 'index'>,
  { numbered = false }: { readonly numbered?: boolean } = {},
): Promise<Record<N, Column>> {
  if (numbered && !(await isInOrder(path))) return queryColumns(path, names);
  const range = episode && (await rowsOfFile(path)).get(episode.index);
  if (!episode || range) {
    const parts = names.map((): Column[] => []);
    pages ??= new PageReader();
    const known = pages.read(
      path,
      names,
      (column, data, start, rows, width) =>
        parts[column]?.push({ rows, width, data: data.slice(start, start + rows * width) }),
      range,
    );
    if (known)
      return Object.fromEntries(names.map((name, i) => [name, joined(`${path}: ${name}`, parts[i] ?? [])])) as Record<
        N,
        Column
      >;
  }
  return queryColumns(path, names, episode && `episode_index = ${episode.index}`);
}

/** Whether a data set's tables number the frames of each episode. */
export const numbersFrames = ({ features }: Info): boolean => 'frame_index' in features;

/** Takes the numbers of episodes as they come. An InputError that it throws is given the episode's file. */
export interface RowSink {
  /** Rows begin; those since the last `end` are to be forgotten. */
  begin(): void;
  /** Rows of one column, those of the next column after all of this one. */
  readonly rows: TakeRows;
  /** The next `length` rows of every column are of one episode. */
  end(length: number): void;
}

/**
 * Hands over the columns' rows of episodes that lie in one file, without building the columns where pages allow it;
 * episodes that come from pages come
 * first. Of every episode there are as many rows in each column. @returns how many of the frames came from pages
 */
export function eachRow(
  dataset: Dataset,
  episodes: readonly Episode[],
  names: readonly string[],
  sink: RowSink,
): Promise<number> {
  return withFiles(dataset, episodes, [], () => eachRowHere(dataset, episodes, names, sink));
}

async function eachRowHere(
  dataset: Dataset,
  episodes: readonly Episode[],
  names: readonly string[],
  sink: RowSink,
): Promise<number> {
  const rest = new Set(episodes);
  let fromPages = 0;
  for (const run of await runsOf(dataset, episodes)) {
    const frames = readRun(dataset, run, names, sink);
    fromPages += frames;
    if (frames > 0) for (const episode of run.episodes) rest.delete(episode);
  }
  for (const episode of rest) await readEpisode(dataset, episode, names, sink);
  return fromPages;
}

/** As `eachRow`, but only what comes from pages: what reading alone costs. */
export async function eachRowOfPages(
  dataset: Dataset,
  episodes: readonly Episode[],
  names: readonly string[],
  sink: RowSink,
): Promise<number> {
  const runs = await runsOf(dataset, episodes);
  return runs.reduce((frames, run) => frames + readRun(dataset, run, names, sink), 0);
}

/** Episodes one after the other in a file; without `range` they are all of it. */
interface Run {
  readonly path: string;
  readonly episodes: Episode[];
  readonly lengths: number[];
  range: RowRange | undefined;
}

/** Those of the episodes of which it is known where in their file they are, in runs without gaps. */
async function runsOf(dataset: Dataset, episodes: readonly Episode[]): Promise<Run[]> {
  const [first] = episodes;
  if (!first) return [];
  if (dataset.format === 'v2.1') {
    const runs: Run[] = [];
    for (const episode of episodes) {
      const path = dataset.dataPath(episode);
      const sound = !numbersFrames(dataset.info) || (await isInOrder(path).catch(() => false));
      if (sound) runs.push({ path, episodes: [episode], lengths: [], range: undefined });
    }
    return runs;
  }
  const path = dataset.dataPath(first);
  const rows = await rowsOfFile(path);
  const found = episodes
    .flatMap((episode) => {
      const range = rows.get(episode.index);
      return range ? [{ episode, ...range }] : [];
    })
    .sort((a, b) => a.from - b.from);
  const runs: Run[] = [];
  for (const { episode, from, to } of found) {
    let run = runs.at(-1);
    if (run?.range?.to !== from) {
      run = { path, episodes: [], lengths: [], range: { from, to } };
      runs.push(run);
    }
    run.episodes.push(episode);
    run.lengths.push(to - from);
    run.range = { from: run.range?.from ?? from, to };
  }
  return runs;
}

/** Hands over a run from its pages; 0 (and nothing was ended) where the other reader must see to it. */
function readRun(dataset: Dataset, run: Run, names: readonly string[], sink: RowSink): number {
  const [first] = run.episodes;
  if (!first) return 0;
  let current = first;
  const counts = new Array<number>(names.length).fill(0);
  pages ??= new PageReader();
  try {
    sink.begin();
    const take: TakeRows = (column, data, start, rows, width) => {
      counts[column] = (counts[column] ?? 0) + rows;
      sink.rows(column, data, start, rows, width);
    };
    const [rows = 0, ...others] = pages.read(run.path, names, take, run.range) ? counts : [];
    if (rows === 0 || others.some((count) => count !== rows)) return 0;
    for (const [i, episode] of run.episodes.entries()) {
      current = episode;
      sink.end(run.lengths[i] ?? rows);
    }
    return rows;
  } catch (error) {
    throw placed(dataset, current, error);
  }
}

async function readEpisode(dataset: Dataset, episode: Episode, names: readonly string[], sink: RowSink): Promise<void> {
  const columns = await dataset.columns(episode, names);
  const where = placeOf(dataset, episode);
  const [{ rows } = { rows: 0 }] = Object.values(columns);
  const counts = names.map((name) => `${columns[name]?.rows} of ${name}`);
  if (Object.values(columns).some((column) => column.rows !== rows))
    throw new InputError(where, `its columns have different numbers of rows (got ${counts.join(', ')}).`);
  if (rows === 0) throw new InputError(where, `holds no frames (expected ${episode.length}).`);
  try {
    sink.begin();
    for (const [i, name] of names.entries()) {
      const column = columns[name];
      if (!column) continue;
      const data = column.data instanceof Float32Array ? column.data : Float32Array.from(column.data);
      sink.rows(i, data, 0, rows, column.width);
    }
    sink.end(rows);
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
