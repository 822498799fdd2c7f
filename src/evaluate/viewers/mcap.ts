import { McapWriter } from '@mcap/core';

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

/**
 * An MCAP file (mcap.dev/spec) of JSON messages, with an index, so that viewers can jump.
 * @param messages in the order of their times; each topic is that of a channel
 */
export async function mcapFile(channels: readonly McapChannel[], messages: Iterable<McapMessage>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0n;
  const writer = new McapWriter({
    writable: {
      write: async (bytes) => {
        parts.push(bytes.slice());
        length += BigInt(bytes.length);
      },
      position: () => length,
    },
  });
  await writer.start({ profile: '', library: 'valet' });
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const ids = new Map<string, number>();
  for (const { topic, schema, jsonSchema } of channels) {
    const schemaId = await writer.registerSchema({ name: schema, encoding: 'jsonschema', data: json(jsonSchema) });
    ids.set(
      topic,
      await writer.registerChannel({ schemaId, topic, messageEncoding: 'json', metadata: new Map<string, string>() }),
    );
  }
  const counts = new Map<number, number>();
  for (const { topic, time, value } of messages) {
    const channelId = ids.get(topic);
    if (channelId === undefined) throw new RangeError(`mcapFile: no channel has the topic ${topic}.`);
    const sequence = counts.get(channelId) ?? 0;
    counts.set(channelId, sequence + 1);
    await writer.addMessage({ channelId, sequence, logTime: time, publishTime: time, data: json(value) });
  }
  await writer.end();
  return Buffer.concat(parts);
}
