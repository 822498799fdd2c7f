import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '../base/index.ts';

/**
 * TensorBoard's event file: TFRecords of `Event` protocol buffers (tensorflow/core/util/event.proto), scalars only.
 * A run that is resumed opens a new file whose first event says from which step on older points no longer count.
 */
export class EventFile {
  private constructor(readonly path: string) {}

  static async create(folder: string, fromStep: number, now = Date.now() / 1000): Promise<EventFile> {
    const file = new EventFile(join(folder, `events.out.tfevents.${Math.floor(now)}.${process.pid}.valet`));
    await appendFile(file.path, record(fileVersion(now)));
    if (fromStep > 0) await appendFile(file.path, record(sessionStart(now, fromStep)));
    return file;
  }

  async scalars(step: number, values: Readonly<Record<string, number>>, now = Date.now() / 1000): Promise<void> {
    await appendFile(this.path, record(scalarEvent(now, step, values)));
  }
}

const fileVersion = (time: number) => Buffer.concat([wallTime(time), bytes(3, Buffer.from('brain.Event:2'))]);
/** SessionLog with status START: points at and after `step` in older files are to be dropped. */
const sessionStart = (time: number, step: number) =>
  Buffer.concat([wallTime(time), varintField(2, step), bytes(7, varintField(1, 1))]);

function scalarEvent(time: number, step: number, values: Readonly<Record<string, number>>): Buffer {
  const summary = Object.entries(values).map(([tag, value]) =>
    bytes(1, Buffer.concat([bytes(1, Buffer.from(tag)), float(2, value)])),
  );
  return Buffer.concat([wallTime(time), varintField(2, step), bytes(5, Buffer.concat(summary))]);
}

function wallTime(seconds: number): Buffer {
  const out = Buffer.alloc(9);
  out[0] = (1 << 3) | 1;
  out.writeDoubleLE(seconds, 1);
  return out;
}

function float(field: number, value: number): Buffer {
  const out = Buffer.alloc(5);
  out[0] = (field << 3) | 5;
  out.writeFloatLE(value, 1);
  return out;
}

const varintField = (field: number, value: number) => Buffer.concat([Buffer.of(field << 3), varint(value)]);
const bytes = (field: number, content: Buffer) =>
  Buffer.concat([Buffer.of((field << 3) | 2), varint(content.length), content]);

function varint(value: number): Buffer {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...out, rest]);
    out.push((rest % 128) | 128);
  }
}

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
