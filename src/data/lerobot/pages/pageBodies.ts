import type { PageKernels } from '../../../kernels/index.ts';
import type { PageHeader } from './columnFile.ts';
import { FRONT, type PageMemory } from './pageMemory.ts';
import type { Leaf } from './schema.ts';
import { need } from './unknown.ts';

/** A page that is unpacked: where its parts are in memory. */
export interface Page {
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
export const [DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2] = [0, 2, 3];
const [PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY] = [0, 2, 3, 8];

/** Unpacks pages and decodes their numbers. */
export class PageBodies {
  constructor(
    private readonly memory: PageMemory,
    private readonly kernels: PageKernels,
  ) {}

  /** Values of the dictionary; returns how many. */
  dictionary({ dictionary, size, packed }: PageHeader, body: number, snappy: boolean): number {
    const entries = dictionary?.['field_1'];
    const encoding = dictionary?.['field_2'];
    need(
      entries !== undefined && (encoding === PLAIN || encoding === PLAIN_DICTIONARY) && size === 4 * entries,
      'dictionary',
    );
    this.unpack(body, packed, snappy, this.memory.room('dictionary', size), size);
    return entries;
  }

  private unpack(from: number, packed: number, snappy: boolean, to: number, size: number): void {
    if (snappy) need(this.kernels.snappy(from, from + packed, to, size) === 1, 'snappy');
    else {
      need(packed === size, 'page size');
      this.memory.bytes.copyWithin(to, from, from + size);
    }
  }

  page1({ v1, size, packed }: PageHeader, body: number, snappy: boolean, leaf: Leaf): Page {
    need(v1, 'page header');
    const { field_1: count, field_2: encoding } = v1;
    need(count !== undefined && encoding !== undefined, 'page header');
    need((leaf.definition === 0 || v1['field_3'] === RLE) && v1['field_4'] === RLE, 'levels');
    // Plain numbers end with the page: its end is aligned.
    const at = this.memory.room('page', FRONT + size + 4) + FRONT + ((4 - (size & 3)) & 3);
    this.unpack(body, packed, snappy, at, size);
    const end = at + size;
    const levels = (from: number): [number, number] => {
      need(from + 4 <= end, 'levels');
      const stop = from + 4 + this.memory.view.getUint32(from, true);
      need(stop <= end, 'levels');
      return [from + 4, stop];
    };
    const repetition = levels(at);
    const definition =
      leaf.definition > 0 ? levels(repetition[1]) : ([repetition[1], repetition[1]] as [number, number]);
    return { count, encoding, repetition, definition, at: definition[1], end };
  }

  page2({ v2, size, packed }: PageHeader, body: number, snappy: boolean, leaf: Leaf): Page {
    need(v2 && v2['field_2'] === 0, 'nulls');
    const [definitionSize, repetitionSize] = [Number(v2['field_5']), Number(v2['field_6'])];
    const levels = definitionSize + repetitionSize;
    need(definitionSize >= 0 && repetitionSize >= 0 && levels <= Math.min(size, packed), 'levels');
    need(leaf.definition > 0 || definitionSize === 0, 'levels');
    const at = this.memory.room('page', FRONT + size) + FRONT;
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
  numbers({ count, encoding, at, end }: Page, entries: number): number {
    if (encoding === PLAIN) {
      need(end - at === 4 * count && at % 4 === 0, 'number of values');
      return at;
    }
    need(
      (encoding === RLE_DICTIONARY || encoding === PLAIN_DICTIONARY) && entries >= 0 && at < end,
      `encoding ${encoding}`,
    );
    const width = this.memory.bytes[at] ?? 0;
    need(width <= 24, 'dictionary');
    const to = this.memory.room('values', FRONT + 4 * count) + FRONT;
    const found = this.kernels.lookUp(at + 1, end, width, this.memory.at('dictionary'), entries, to, count);
    need(found === 1, 'dictionary');
    return to;
  }
}
