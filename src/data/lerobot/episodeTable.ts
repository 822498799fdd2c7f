import { z } from 'zod';
import { InputError } from '../../base/index.ts';

const place = z.coerce.number().int().nullish();
/** Tasks of an episode: a list, or one sentence alone, or none. */
const Tasks = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : Array.isArray(value) ? value : []),
  z.array(z.string()),
);
/** A row of meta/episodes, as far as it is used. */
export const EpisodeRow = z.object({
  episode_index: z.coerce.number().int().nonnegative(),
  tasks: Tasks,
  length: z.coerce.number().int().positive(),
  task_index: place,
  'data/chunk_index': place,
  'data/file_index': place,
});
type Row = z.infer<typeof EpisodeRow>;

/** What a v3.0 index says of one feature's videos, a number for each row of the table; NaN where it says nothing. */
export interface VideoColumns {
  readonly chunk: Float64Array;
  readonly file: Float64Array;
  /** Seconds; -Infinity where what stands there is no number. */
  readonly from: Float64Array;
  readonly to: Float64Array;
}

/** The columns of `VideoColumns`, as meta/episodes calls them. */
const VIDEO_COLUMNS = {
  chunk: 'chunk_index',
  file: 'file_index',
  from: 'from_timestamp',
  to: 'to_timestamp',
} as const;
type VideoColumn = keyof typeof VIDEO_COLUMNS;
const KEYS = Object.keys(VIDEO_COLUMNS) as VideoColumn[];

/** The name of a column of meta/episodes. */
const videoColumn = (feature: string, key: VideoColumn): string => `videos/${feature}/${VIDEO_COLUMNS[key]}`;
export const videoColumns = (feature: string): string[] => KEYS.map((key) => videoColumn(feature, key));

/**
 * The tables of meta/episodes, as far as they are used: each column in one array, the rows by episode_index. A set may
 * have tens of thousands of episodes with nine cameras; as objects, a row took 2.6 KB. All threads share the arrays.
 */
export interface TableColumns {
  readonly episode: Float64Array;
  /** Frames. */
  readonly length: Float64Array;
  /** NaN where the table says nothing. */
  readonly task: Float64Array;
  readonly chunk: Float64Array;
  readonly file: Float64Array;
  readonly videos: ReadonlyMap<string, VideoColumns>;
}

export class EpisodeTable {
  constructor(readonly columns: TableColumns) {}

  get rows(): number {
    return this.columns.episode.length;
  }

  /** The row of an episode; undefined where there is none. */
  rowOf(index: number): number | undefined {
    const { episode } = this.columns;
    let [low, high] = [0, this.rows - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((episode[middle] as number) < index) low = middle + 1;
      else high = middle;
    }
    return episode[low] === index ? low : undefined;
  }
}

/** Rows on their way into a table. */
export class TableRows {
  readonly episode: number[] = [];
  readonly length: number[] = [];
  readonly sentence: (string | undefined)[] = [];
  readonly task: number[] = [];
  readonly chunk: number[] = [];
  readonly file: number[] = [];
  readonly videos: ReadonlyMap<string, Record<VideoColumn, number[]>>;
  /** One text for all rows that have it. */
  private readonly texts = new Map<string, string>();

  constructor(features: readonly string[]) {
    this.videos = new Map(features.map((feature) => [feature, { chunk: [], file: [], from: [], to: [] }]));
  }

  /** @param videos the row as it was read, with what it says of videos */
  add(row: Row, videos: Readonly<Record<string, unknown>>): void {
    this.episode.push(row.episode_index);
    this.length.push(row.length);
    const [sentence] = row.tasks;
    if (sentence !== undefined && !this.texts.has(sentence)) this.texts.set(sentence, sentence);
    this.sentence.push(sentence === undefined ? undefined : this.texts.get(sentence));
    this.task.push(row.task_index ?? Number.NaN);
    this.chunk.push(row['data/chunk_index'] ?? Number.NaN);
    this.file.push(row['data/file_index'] ?? Number.NaN);
    for (const [feature, columns] of this.videos) {
      const value = (key: VideoColumn) => videos[videoColumn(feature, key)];
      columns.chunk.push(placeNumber(value('chunk')));
      columns.file.push(placeNumber(value('file')));
      columns.from.push(time(value('from')));
      columns.to.push(time(value('to')));
    }
  }

  /**
   * All of them by episode_index, and the first sentence of each; undefined where there is none.
   * @throws InputError when `where` lists an episode twice
   */
  finish(where: string): { readonly columns: TableColumns; readonly sentences: readonly (string | undefined)[] } {
    const order = this.episode.map((_, row) => row);
    order.sort((a, b) => (this.episode[a] as number) - (this.episode[b] as number));
    const picked = (values: readonly number[]): Float64Array => {
      const out = new Float64Array(new SharedArrayBuffer(8 * order.length));
      for (const [row, from] of order.entries()) out[row] = values[from] ?? Number.NaN;
      return out;
    };
    const episode = picked(this.episode);
    if (episode.some((index, row) => index === episode[row - 1]))
      throw new InputError(where, 'lists an episode twice.');
    const videos = [...this.videos].map(([feature, { chunk, file, from, to }]) => {
      const its = { chunk: picked(chunk), file: picked(file), from: picked(from), to: picked(to) };
      return [feature, its] as const;
    });
    const columns = {
      ...{ episode, length: picked(this.length), task: picked(this.task) },
      ...{ chunk: picked(this.chunk), file: picked(this.file), videos: new Map(videos) },
    };
    return { columns, sentences: order.map((row) => this.sentence[row]) };
  }
}

function placeNumber(value: unknown): number {
  const number = value === undefined || value === null ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : Number.NaN;
}

/** pandas writes a missing number as NaN; any other that is none is wrong, and is told with the windows. */
function time(value: unknown): number {
  if (value === undefined || value === null || Number.isNaN(value)) return Number.NaN;
  const number = Number(value);
  return Number.isNaN(number) ? Number.NEGATIVE_INFINITY : number;
}
