import type { parquetMetadata } from 'hyparquet/src/metadata.js';
import { pageKernels } from '../../../kernels/index.ts';
import { ColumnFile } from './columnFile.ts';
import { checkConstant, RowStarts } from './levels.ts';
import { DATA_PAGE, DATA_PAGE_V2, DICTIONARY_PAGE, PageBodies } from './pageBodies.ts';
import { FRONT, PageMemory } from './pageMemory.ts';
import { type Leaf, listLeaf } from './schema.ts';
import { need } from './unknown.ts';

/** Rows of a column as they lie in memory: row r is `data[start + r·width …]`. Good only until the call returns. */
export type TakeRows = (column: number, data: Float32Array, start: number, rows: number, width: number) => void;

/** Rows from `from` up to, not including, `to`. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}
const EVERY: RowRange = { from: 0, to: Number.POSITIVE_INFINITY };

/**
 * Reads columns of equally long float32 lists straight from parquet pages, without building them: where somebody
 * needs some numbers of each row, nothing is
 * allocated and nothing copied but what decompression writes. It knows the common form only (pages of version 1 or 2,
 * plain or from a dictionary, snappy or
 * not compressed, no nulls) and says so where a file is of another one, or damaged; `queryColumns` then reads it, or
 * says what is wrong.
 */
export class PageReader {
  private readonly memory = new PageMemory();
  private readonly bodies: PageBodies;
  private readonly file = new ColumnFile(this.memory);
  private readonly carry = new Float32Array(FRONT / 4);
  /** Why the last file could not be read. */
  reason = '';

  constructor() {
    this.bodies = new PageBodies(this.memory, pageKernels(this.memory.memory));
  }

  /**
   * Hands over the rows of the columns, one column after the other: all, or those from `from` up to `to`; false
   * where another reader is needed (some rows may have been handed over). Throws what `take` throws, and nothing
   * else.
   */
  read(path: string, columns: readonly string[], take: TakeRows, { from, to }: RowRange = EVERY): boolean {
    if (!this.file.open(path)) return false;
    let failed: { readonly error: unknown } | undefined;
    const hand: TakeRows = (...rows) => {
      try {
        take(...rows);
      } catch (error) {
        failed = { error };
        throw error;
      }
    };
    try {
      const { schema, row_groups, num_rows } = this.file.footer();
      columns.forEach((name, column) => {
        const leaf = listLeaf(schema, name);
        need(leaf, `column ${name} is no list of float32`);
        let [width, rows, first] = [0, 0, 0];
        for (const group of row_groups) {
          const own = { from: from - first, to: to - first };
          first += Number(group.num_rows);
          if (Number(group.num_rows) === 0 || own.from >= Number(group.num_rows) || own.to <= 0) continue;
          const chunk = group.columns[leaf.index];
          // All lists are equally long, or `RowStarts` says that they are not.
          const size = Number(chunk?.meta_data?.num_values) / Number(group.num_rows);
          need(
            Number.isInteger(size) && size > 0 && size * 4 <= FRONT && (width === 0 || size === width),
            'row length',
          );
          width = size;
          this.columnChunk(chunk, leaf, width, own, (start, count) => {
            rows += count;
            hand(column, this.memory.floats, start, count, width);
          });
        }
        need(first === Number(num_rows) && rows === Math.min(to, first) - from, 'rows are missing');
      });
      return true;
    } catch (error) {
      if (failed) throw failed.error;
      this.reason = (error as Error).message;
      return false;
    } finally {
      this.file.close();
    }
  }

  /** Rows of one column of one row group, counted from its first. */
  private columnChunk(
    chunk: ReturnType<typeof parquetMetadata>['row_groups'][number]['columns'][number] | undefined,
    leaf: Leaf,
    width: number,
    { from, to }: RowRange,
    take: (start: number, rows: number) => void,
  ): void {
    const meta = chunk?.meta_data;
    need(
      chunk && meta && !chunk.file_path && !chunk.crypto_metadata && meta.type === 'FLOAT',
      'another kind of column',
    );
    need(meta.codec === 'SNAPPY' || meta.codec === 'UNCOMPRESSED', `codec ${meta.codec}`);
    const snappy = meta.codec === 'SNAPPY';
    const data = Number(meta.data_page_offset);
    const first = Number(meta.dictionary_page_offset ?? 0n);
    let at = first > 0 && first < data ? first : data;
    const end = at + Number(meta.total_compressed_size);
    const total = Number(meta.num_values);
    this.file.forget();
    const starts = new RowStarts(width);
    let [seen, carried, entries] = [0, 0, -1];
    while (seen < total && seen < to * width) {
      const { header, length } = this.file.header(at, end);
      at += length;
      const values = Number((header.v1 ?? header.v2)?.['field_1'] ?? 0);
      if (header.type !== DICTIONARY_PAGE && seen + values <= from * width) {
        // Nothing of it is wanted; what it may hold of the next row's beginning is not, either.
        at += header.packed;
        seen += values;
        carried = seen % width;
        starts.skipTo(seen);
        continue;
      }
      const body = this.file.load(at, header.packed, end);
      at += header.packed;
      if (header.type === DICTIONARY_PAGE) {
        entries = this.bodies.dictionary(header, body, snappy);
        continue;
      }
      const page =
        header.type === DATA_PAGE
          ? this.bodies.page1(header, body, snappy, leaf)
          : header.type === DATA_PAGE_V2
            ? this.bodies.page2(header, body, snappy, leaf)
            : undefined;
      if (!page) continue;
      const { count, repetition, definition } = page;
      need(count > 0 && seen + count <= total, 'number of values');
      need(starts.check(this.memory.bytes, repetition[0], repetition[1], count), 'rows of another length');
      need(checkConstant(this.memory.bytes, definition[0], definition[1], leaf.definition, count), 'nulls');
      const place = this.bodies.numbers(page, entries);
      // The part of a row that the page before this one held goes before its numbers, over levels that have been read.
      this.memory.floats.set(this.carry.subarray(0, carried), place / 4 - carried);
      const whole = Math.floor((carried + count) / width);
      const row = (seen - carried) / width;
      const [begin, stop] = [Math.max(row, from), Math.min(row + whole, to)];
      if (begin < stop) take(place / 4 - carried + (begin - row) * width, stop - begin);
      const rest = carried + count - whole * width;
      this.carry.set(this.memory.floats.subarray(place / 4 + count - rest, place / 4 + count));
      carried = rest;
      seen += count;
    }
  }
}
