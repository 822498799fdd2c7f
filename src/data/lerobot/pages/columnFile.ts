import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parquetMetadata } from 'hyparquet/src/metadata.js';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import type { PageMemory } from './pageMemory.ts';
import { need } from './unknown.ts';

/** A page's header, as far as it is used (parquet.thrift). */
export interface PageHeader {
  type: number;
  size: number;
  packed: number;
  v1: Record<string, number> | undefined;
  dictionary: Record<string, number> | undefined;
  v2: Record<string, number | boolean> | undefined;
}

/** Bytes of a file that are read at once. */
const WINDOW = 4 << 20;

/** The bytes of one parquet file at a time: its footer, and windows of it in the pages' memory. */
export class ColumnFile {
  private readonly tail = Buffer.allocUnsafe(1 << 16);
  private file = 0;
  private windowFrom = 0;
  private windowEnd = 0;

  constructor(private readonly memory: PageMemory) {}

  /** False when there is no such file. */
  open(path: string): boolean {
    try {
      this.file = openSync(path, 'r');
      this.forget();
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    closeSync(this.file);
  }

  /** Nothing of the file counts as being in memory. */
  forget(): void {
    [this.windowFrom, this.windowEnd] = [0, 0];
  }

  /** The file's footer. */
  footer(): ReturnType<typeof parquetMetadata> {
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

  /** The header of the page at `at`, and its length in bytes. */
  header(at: number, end: number): { header: PageHeader; length: number } {
    const from = this.load(at, Math.min(end - at, 1 << 12), end);
    const left = this.memory.at('file') + this.windowEnd - this.windowFrom - from;
    const view = new DataView(this.memory.view.buffer, from, left);
    const reader = { view, offset: 0 };
    const fields = deserializeTCompactProtocol(reader) as Record<string, never>;
    const { field_1: type, field_2: size, field_3: packed } = fields;
    need(type !== undefined && size !== undefined && packed !== undefined, 'page header');
    const { field_5: v1, field_7: dictionary, field_8: v2 } = fields;
    const header: PageHeader = { type, size, packed, v1, dictionary, v2 };
    need(header.size >= 0 && header.packed >= 0, 'page header');
    return { header, length: reader.offset };
  }

  /** Has `size` bytes of the file from `at` in memory; returns where. */
  load(at: number, size: number, end: number): number {
    need(at + size <= end && size >= 0, 'page beyond its column');
    if (at < this.windowFrom || at + size > this.windowEnd) {
      const length = Math.min(end - at, Math.max(size, WINDOW));
      const room = this.memory.room('file', length);
      need(readSync(this.file, this.memory.bytes, room, length, at) === length, 'file is too short');
      [this.windowFrom, this.windowEnd] = [at, at + length];
    }
    return this.memory.at('file') + at - this.windowFrom;
  }
}
