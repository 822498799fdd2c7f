import { crc32 } from 'node:zlib';
import { MCAP_MAGIC, mcapRecord, OPCODE, sized, text, u8, u16, u32, u64 } from './mcapBytes.ts';

/** A topic of messages in JSON. */
export interface McapChannel {
  readonly topic: string;
  /** Name of the messages' schema, such as `foxglove.FrameTransforms`. */
  readonly schema: string;
  /** JSON Schema of a message. */
  readonly jsonSchema: object;
}

export interface McapMessage {
  readonly topic: string;
  /** Nanoseconds since the recording's beginning. */
  readonly time: bigint;
  readonly value: unknown;
}

/** Bytes of messages in a chunk, at least: a viewer reads a chunk as a whole when somebody jumps into it. */
const CHUNK_BYTES = 1 << 20;

interface ChunkEntry {
  readonly start: bigint;
  readonly end: bigint;
  readonly at: number;
  readonly length: number;
  readonly size: number;
  /** Channel and place of its message index. */
  readonly indices: readonly (readonly [number, number])[];
  readonly indexLength: number;
}

/**
 * An MCAP file (mcap.dev/spec, version 0) of JSON messages: indexed chunks without compression, and a summary, so that
 * viewers can jump.
 * @param messages in the order of their times; each topic is that of a channel
 */
export function mcapFile(channels: readonly McapChannel[], messages: Iterable<McapMessage>): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  const write = (bytes: Buffer): number => {
    parts.push(bytes);
    length += bytes.length;
    return length - bytes.length;
  };
  const idOf = new Map(channels.map(({ topic }, i) => [topic, i + 1]));
  const schemas = channels.map(({ schema, jsonSchema }, i) =>
    mcapRecord(OPCODE.schema, u16(i + 1), text(schema), text('jsonschema'), text(JSON.stringify(jsonSchema))),
  );
  const topics = channels.map(({ topic }, i) =>
    mcapRecord(OPCODE.channel, u16(i + 1), u16(i + 1), text(topic), text('json'), u32(0)),
  );
  write(MCAP_MAGIC);
  write(mcapRecord(OPCODE.header, text(''), text('valet')));
  for (const one of [...schemas, ...topics]) write(one);

  const chunks: ChunkEntry[] = [];
  const counts = new Map<number, number>();
  let [first, last] = [0n, 0n];
  let pending: { id: number; time: bigint; bytes: Buffer }[] = [];
  let size = 0;
  const flush = () => {
    if (pending.length === 0) return;
    chunks.push(writeChunk(pending, write));
    pending = [];
    size = 0;
  };
  for (const { topic, time, value } of messages) {
    const id = idOf.get(topic);
    if (id === undefined) throw new RangeError(`mcapFile: no channel has the topic ${topic}.`);
    const sequence = counts.get(id) ?? 0;
    counts.set(id, sequence + 1);
    if (chunks.length === 0 && pending.length === 0) first = time;
    last = time;
    const body = [u16(id), u32(sequence), u64(time), u64(time), Buffer.from(JSON.stringify(value))];
    const bytes = mcapRecord(OPCODE.message, ...body);
    pending.push({ id, time, bytes });
    size += bytes.length;
    if (size >= CHUNK_BYTES) flush();
  }
  flush();
  write(mcapRecord(OPCODE.dataEnd, u32(0)));

  const summary = length;
  const groups: [opcode: number, records: readonly Buffer[]][] = [
    [OPCODE.schema, schemas],
    [OPCODE.channel, topics],
    [OPCODE.statistics, [statistics(counts, channels.length, chunks.length, first, last)]],
    [OPCODE.chunkIndex, chunks.map(chunkIndex)],
  ];
  const offsets = groups.flatMap(([opcode, records]) => {
    const start = length;
    for (const one of records) write(one);
    return length === start ? [] : [mcapRecord(OPCODE.summaryOffset, u8(opcode), u64(start), u64(length - start))];
  });
  const offsetStart = length;
  for (const one of offsets) write(one);
  write(mcapRecord(OPCODE.footer, u64(summary), u64(offsetStart), u32(0)));
  write(MCAP_MAGIC);
  return Buffer.concat(parts);
}

function writeChunk(
  messages: readonly { id: number; time: bigint; bytes: Buffer }[],
  write: (bytes: Buffer) => number,
): ChunkEntry {
  const [start, end] = [messages[0]?.time ?? 0n, messages.at(-1)?.time ?? 0n];
  const places = new Map<number, Buffer[]>();
  let offset = 0;
  for (const { id, time, bytes } of messages) {
    const entries = places.get(id) ?? [];
    entries.push(u64(time), u64(offset));
    places.set(id, entries);
    offset += bytes.length;
  }
  const records = Buffer.concat(messages.map(({ bytes }) => bytes));
  const chunk = mcapRecord(
    OPCODE.chunk,
    ...[u64(start), u64(end), u64(records.length), u32(crc32(records)), text(''), u64(records.length), records],
  );
  const at = write(chunk);
  let indexLength = 0;
  const indices = [...places].map(([id, entries]) => {
    const index = mcapRecord(OPCODE.messageIndex, u16(id), sized(...entries));
    indexLength += index.length;
    return [id, write(index)] as const;
  });
  return { start, end, at, length: chunk.length, size: records.length, indices, indexLength };
}

const chunkIndex = ({ start, end, at, length, size, indices, indexLength }: ChunkEntry): Buffer =>
  mcapRecord(
    OPCODE.chunkIndex,
    ...[u64(start), u64(end), u64(at), u64(length)],
    sized(...indices.flatMap(([id, place]) => [u16(id), u64(place)])),
    ...[u64(indexLength), text(''), u64(size), u64(size)],
  );

function statistics(
  counts: ReadonlyMap<number, number>,
  channels: number,
  chunks: number,
  ...[first, last]: [first: bigint, last: bigint]
): Buffer {
  const messages = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return mcapRecord(
    OPCODE.statistics,
    ...[u64(messages), u16(channels), u32(channels), u32(0), u32(0), u32(chunks), u64(first), u64(last)],
    sized(...[...counts].flatMap(([id, count]) => [u16(id), u64(count)])),
  );
}
