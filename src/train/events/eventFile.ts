import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c, isUnwritable } from '../../base/index.ts';
import { appendWhole, type WhenFull } from '../fullDisk.ts';
import type { Histogram } from '../histogram.ts';
import { bytes, double, doubles, float, message, text, varintField } from './protobuf.ts';

/** A PNG file and its size. */
export interface EventPicture {
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array;
}

/**
 * TensorBoard's event file: TFRecords of `Event` protocol buffers (tensorflow/core/util/event.proto) with scalars,
 * histograms and pictures (tensorflow/core/framework/summary.proto). A run that is resumed after update `fromStep`
 * opens a new file whose first event says that later points of older files no longer count.
 */
export class EventFile {
  private constructor(
    readonly path: string,
    private readonly whenFull: WhenFull,
  ) {}

  static async create(
    folder: string,
    fromStep: number,
    now = Date.now() / 1000,
    whenFull: WhenFull = 'stop',
  ): Promise<EventFile> {
    const path = join(folder, `events.out.tfevents.${Math.floor(now)}.${process.pid}.valet`);
    const file = new EventFile(path, whenFull);
    await appendFile(file.path, record(fileVersion(now)));
    if (fromStep > 0) await appendFile(file.path, record(sessionStart(now, fromStep + 1)));
    return file;
  }

  async scalars(step: number, values: Readonly<Record<string, number>>, now?: number): Promise<void> {
    await this.summaries(
      step,
      Object.entries(values).map(([tag, value]) => [text(1, tag), float(2, value)]),
      now,
    );
  }

  async pictures(step: number, pictures: Readonly<Record<string, EventPicture>>, now?: number): Promise<void> {
    const RGB = 3;
    const summaries = Object.entries(pictures).map(([tag, { width, height, png }]) => [
      text(1, tag),
      message(4, [varintField(1, height), varintField(2, width), varintField(3, RGB), bytes(4, png)]),
    ]);
    await this.summaries(step, summaries, now);
  }

  async histograms(step: number, all: Readonly<Record<string, Histogram>>, now?: number): Promise<void> {
    const summaries = Object.entries(all).map(([tag, { min, max, count, sum, squares, limits, counts }]) => [
      text(1, tag),
      message(5, [
        ...[min, max, count, sum, squares].map((value, i) => double(1 + i, value)),
        doubles(6, limits),
        doubles(7, counts),
      ]),
    ]);
    await this.summaries(step, summaries, now);
  }

  /** One event with a `Summary.Value` of each entry. */
  private async summaries(
    step: number,
    values: readonly (readonly Uint8Array[])[],
    now = Date.now() / 1000,
  ): Promise<void> {
    if (values.length === 0) return;
    const summary = values.map((value) => message(1, value));
    const event = record(Buffer.concat([double(1, now), varintField(2, step), message(5, summary)]));
    await appendWhole(this.path, event).catch((error: unknown) => {
      // Events are left out where the disk is full and the run goes on.
      if (this.whenFull === 'stop' || !isUnwritable(error)) throw error;
    });
  }
}

const fileVersion = (time: number) => Buffer.concat([double(1, time), text(3, 'brain.Event:2')]);
/** SessionLog with status START: points at and after `step` in older files are to be dropped. */
const sessionStart = (time: number, step: number) =>
  Buffer.concat([double(1, time), varintField(2, step), message(7, [varintField(1, 1)])]);

/** A TFRecord: length, its checksum, the data, its checksum. */
function record(data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length));
  head.writeUInt32LE(masked(crc32c(head.subarray(0, 8))), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(masked(crc32c(data)));
  return Buffer.concat([head, data, tail]);
}

const masked = (crc: number) => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
