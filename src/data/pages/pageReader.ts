import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parquetMetadata } from 'hyparquet/src/metadata.js';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { type PageKernels, pageKernels } from '../../kernels/index.ts';
import { checkConstant, RowStarts } from './levels.ts';
import { type Leaf, listLeaf } from './schema.ts';

/** Rows of a column as they lie in memory: row r is `data[start + r·width …]`. Good only until the call returns. */
export type TakeRows = (column: number, data: Float32Array, start: number, rows: number, width: number) => void;

/** Rows from `from` up to, not including, `to`. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}
const EVERY: RowRange = { from: 0, to: Number.POSITIVE_INFINITY };

/** Bytes of a file that are read at once, and those before a page's numbers: room for the part of a row that the page before it held. */
const WINDOW = 4 << 20;
const FRONT = 1 << 16;
const SLACK = 64;
const MOST = 2 ** 30;

/** What this reader does not know, or finds damaged: another one must see to it. */
class Unknown extends Error {}
function need(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Unknown(what);
}

/** A page's header, as far as it is used (parquet.thrift). */
interface PageHeader {
  type: number;
  size: number;
  packed: number;
  v1: Record<string, number> | undefined;
  dictionary: Record<string, number> | undefined;
  v2: Record<string, number | boolean> | undefined;
}

/**
 * Reads columns of equally long float32 lists straight from parquet pages, without building them: where somebody needs some numbers of each row, nothing is
 * allocated and nothing copied but what decompression writes. It knows the common form only (pages of version 1 or 2, plain or from a dictionary, snappy or
 * not compressed, no nulls) and says so where a file is of another one, or damaged; `readColumns` then reads it, or says what is wrong.
 */
export class PageReader {
  private readonly memory = new WebAssembly.Memory({ initial: 1 });
  private readonly kernels: PageKernels;
  private bytes = new Uint8Array(this.memory.buffer);
  private floats = new Float32Array(this.memory.buffer);
  private view = new DataView(this.memory.buffer);
  /** Pieces of memory: where each is, and how large. */
  private readonly rooms = { file: [0, 0], page: [0, 0], values: [0, 0], dictionary: [0, 0] };
  private used = 0;
  private readonly tail = Buffer.allocUnsafe(1 << 16);
  private readonly carry = new Float32Array(FRONT / 4);
  private file = 0;
  private windowFrom = 0;
  private windowEnd = 0;
  /** Why the last file could not be read. */
  reason = '';

  constructor() {
    this.kernels = pageKernels(this.memory);
  }

  /** Hands over the rows of the columns, one column after the other: all, or those from `from` up to `to`; false where another reader is needed (some rows may have been handed over). Throws what `take` throws, and nothing else. */
  read(path: string, columns: readonly string[], take: TakeRows, { from, to }: RowRange = EVERY): boolean {
    try {
      this.file = openSync(path, 'r');
    } catch {
      return false;
    }
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
      const { schema, row_groups, num_rows } = this.footer();
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
            hand(column, this.floats, start, count, width);
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
      closeSync(this.file);
    }
  }

  private footer() {
    const { size } = fstatSync(this.file);
    let footer = this.tail.subarray(0, Math.min(size, this.tail.length));
    need(readSync(this.file, footer, 0, footer.length, size - footer.length) === footer.length, 'footer');
    const length = footer.readUInt32LE(footer.length - 8) + 8;
    if (length > footer.length) {
      need(length <= size, 'footer');
      footer = Buffer.allocUnsafe(length);
      need(readSync(this.file, footer, 0, length, size - length) === length, 'footer');
    }
    return parquetMetadata(footer, { geoparquet: false });
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
    [this.windowFrom, this.windowEnd] = [0, 0];
    const starts = new RowStarts(width);
    let [seen, carried, entries] = [0, 0, -1];
    while (seen < total && seen < to * width) {
      const { header, length } = this.header(at, end);
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
      const body = this.load(at, header.packed, end);
      at += header.packed;
      if (header.type === DICTIONARY_PAGE) {
        entries = this.dictionary(header, body, snappy);
        continue;
      }
      const page =
        header.type === DATA_PAGE
          ? this.page1(header, body, snappy, leaf)
          : header.type === DATA_PAGE_V2
            ? this.page2(header, body, snappy, leaf)
            : undefined;
      if (!page) continue;
      const { count, repetition, definition } = page;
      need(count > 0 && seen + count <= total, 'number of values');
      need(starts.check(this.bytes, repetition[0], repetition[1], count), 'rows of another length');
      need(checkConstant(this.bytes, definition[0], definition[1], leaf.definition, count), 'nulls');
      const place = this.numbers(page, entries);
      // The part of a row that the page before this one held goes before its numbers, over levels that have been read.
      this.floats.set(this.carry.subarray(0, carried), place / 4 - carried);
      const whole = Math.floor((carried + count) / width);
      const row = (seen - carried) / width;
      const [begin, stop] = [Math.max(row, from), Math.min(row + whole, to)];
      if (begin < stop) take(place / 4 - carried + (begin - row) * width, stop - begin);
      const rest = carried + count - whole * width;
      this.carry.set(this.floats.subarray(place / 4 + count - rest, place / 4 + count));
      carried = rest;
      seen += count;
    }
  }

  private header(at: number, end: number): { header: PageHeader; length: number } {
    const from = this.load(at, Math.min(end - at, 1 << 12), end);
    const room = this.rooms.file;
    const view = new DataView(this.memory.buffer, from, room[0]! + this.windowEnd - this.windowFrom - from);
    const reader = { view, offset: 0 };
    const fields = deserializeTCompactProtocol(reader) as Record<string, never>;
    const header: PageHeader = {
      type: fields['field_1']!,
      size: fields['field_2']!,
      packed: fields['field_3']!,
      v1: fields['field_5'],
      dictionary: fields['field_7'],
      v2: fields['field_8'],
    };
    need(header.size >= 0 && header.packed >= 0, 'page header');
    return { header, length: reader.offset };
  }

  /** Has `size` bytes of the file from `at` in memory; returns where. */
  private load(at: number, size: number, end: number): number {
    need(at + size <= end && size >= 0, 'page beyond its column');
    if (at < this.windowFrom || at + size > this.windowEnd) {
      const length = Math.min(end - at, Math.max(size, WINDOW));
      const room = this.room('file', length);
      need(readSync(this.file, this.bytes, room, length, at) === length, 'file is too short');
      [this.windowFrom, this.windowEnd] = [at, at + length];
    }
    return this.rooms.file[0]! + at - this.windowFrom;
  }

  /** Values of the dictionary; returns how many. */
  private dictionary({ dictionary, size, packed }: PageHeader, body: number, snappy: boolean): number {
    const entries = dictionary?.['field_1'];
    const encoding = dictionary?.['field_2'];
    need(
      entries !== undefined && (encoding === PLAIN || encoding === PLAIN_DICTIONARY) && size === 4 * entries,
      'dictionary',
    );
    this.unpack(body, packed, snappy, this.room('dictionary', size), size);
    return entries;
  }

  private unpack(from: number, packed: number, snappy: boolean, to: number, size: number): void {
    if (snappy) need(this.kernels.snappy(from, from + packed, to, size) === 1, 'snappy');
    else {
      need(packed === size, 'page size');
      this.bytes.copyWithin(to, from, from + size);
    }
  }

  private page1({ v1, size, packed }: PageHeader, body: number, snappy: boolean, leaf: Leaf): Page {
    need(v1, 'page header');
    const encoding = v1['field_2']!;
    need((leaf.definition === 0 || v1['field_3'] === RLE) && v1['field_4'] === RLE, 'levels');
    // Plain numbers end with the page: its end is aligned.
    const at = this.room('page', FRONT + size + 4) + FRONT + ((4 - (size & 3)) & 3);
    this.unpack(body, packed, snappy, at, size);
    const end = at + size;
    const levels = (from: number): [number, number] => {
      need(from + 4 <= end, 'levels');
      const stop = from + 4 + this.view.getUint32(from, true);
      need(stop <= end, 'levels');
      return [from + 4, stop];
    };
    const repetition = levels(at);
    const definition =
      leaf.definition > 0 ? levels(repetition[1]) : ([repetition[1], repetition[1]] as [number, number]);
    return { count: v1['field_1']!, encoding, repetition, definition, at: definition[1], end };
  }

  private page2({ v2, size, packed }: PageHeader, body: number, snappy: boolean, leaf: Leaf): Page {
    need(v2 && v2['field_2'] === 0, 'nulls');
    const [definitionSize, repetitionSize] = [Number(v2['field_5']), Number(v2['field_6'])];
    const levels = definitionSize + repetitionSize;
    need(definitionSize >= 0 && repetitionSize >= 0 && levels <= Math.min(size, packed), 'levels');
    need(leaf.definition > 0 || definitionSize === 0, 'levels');
    const at = this.room('page', FRONT + size) + FRONT;
    const compressed = snappy && v2['field_7'] !== false && packed > levels;
    this.unpack(body + levels, packed - levels, compressed, at, size - levels);
    return {
      count: Number(v2['field_1']),
      encoding: Number(v2['field_4']),
      repetition: [body, body + repetitionSize],
      definition: [body + repetitionSize, body + levels],
      at,
      end: at + size - levels,
    };
  }

  /** Where the page's numbers are, after decoding; there is room for `FRONT` bytes before them. */
  private numbers({ count, encoding, at, end }: Page, entries: number): number {
    if (encoding === PLAIN) {
      need(end - at === 4 * count && at % 4 === 0, 'number of values');
      return at;
    }
    need(
      (encoding === RLE_DICTIONARY || encoding === PLAIN_DICTIONARY) && entries >= 0 && at < end,
      `encoding ${encoding}`,
    );
    const width = this.bytes[at]!;
    need(width <= 24, 'dictionary');
    const to = this.room('values', FRONT + 4 * count) + FRONT;
    const found = this.kernels.lookUp(at + 1, end, width, this.rooms.dictionary[0]!, entries, to, count);
    need(found === 1, 'dictionary');
    return to;
  }

  /** A piece of memory of at least `size` bytes. What lay in it is lost where it grows. */
  private room(name: keyof PageReader['rooms'], size: number): number {
    const room = this.rooms[name];
    if (size + SLACK > room[1]!) {
      const larger = 65536 * Math.ceil((1.25 * size + SLACK) / 65536);
      need(this.used + larger <= MOST, 'too large');
      this.memory.grow(Math.max(0, Math.ceil((this.used + larger - this.memory.buffer.byteLength) / 65536) + 1));
      this.bytes = new Uint8Array(this.memory.buffer);
      this.floats = new Float32Array(this.memory.buffer);
      this.view = new DataView(this.memory.buffer);
      [room[0], room[1]] = [this.used, larger];
      this.used += larger;
    }
    return room[0]!;
  }
}

interface Page {
  readonly count: number;
  readonly encoding: number;
  /** Where levels begin and end. */
  readonly repetition: readonly [number, number];
  readonly definition: readonly [number, number];
  /** Encoded numbers. */
  readonly at: number;
  readonly end: number;
}

// Numbers of parquet.thrift.
const [DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2] = [0, 2, 3];
const [PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY] = [0, 2, 3, 8];
