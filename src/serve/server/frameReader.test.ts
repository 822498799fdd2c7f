import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { FrameReader } from './frameReader.ts';
import { MessageBuffers } from './messageBuffers.ts';

interface Frame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly data: Buffer;
}

const [CONTINUATION, TEXT, BINARY, CLOSE, PING] = [0, 1, 2, 8, 9];

function encode({ opcode, fin, data }: Frame): Buffer {
  const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } };
  return Buffer.concat(Sender.frame(Buffer.from(data), { fin, opcode, mask: true, readOnly: false, rsv1: false }));
}

const filled = (length: number, seed: number) =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255));

/** What comes out: each message or sign, in the order in which it was complete. */
function collect(maxMessageBytes = 1 << 20) {
  const out: string[] = [];
  const { Receiver } = ws as unknown as { Receiver: new (options: object) => NodeJS.WritableStream };
  const receiver = new Receiver({
    isServer: true,
    maxPayload: maxMessageBytes,
    allowSynchronousEvents: true,
  });
  const line = (kind: string, data: Buffer) => out.push(`${kind} ${data.length} ${data.toString('base64')}`);
  receiver.on('message', (data, isBinary) => line(isBinary ? 'binary' : 'text', data));
  receiver.on('ping', (data) => line('ping', data));
  receiver.on('error', (error) => out.push(`error ${(error as Error).message}`));
  return { out, line, receiver };
}

/** The stream cut into pieces of the given sizes, the last as long as it takes. */
function* pieces(stream: Buffer, sizes: readonly number[]) {
  let at = 0;
  for (let i = 0; at < stream.length; i++) {
    const end = i < sizes.length ? Math.min(stream.length, at + sizes[i]!) : stream.length;
    yield stream.subarray(at, end);
    at = end;
  }
}

async function through(stream: Buffer, sizes: readonly number[], maxMessageBytes?: number): Promise<string[]> {
  const { out, line, receiver } = collect(maxMessageBytes);
  const reader = new FrameReader({
    buffers: new MessageBuffers(),
    maxMessageBytes: maxMessageBytes ?? 1 << 20,
    onMessage: (bytes, give) => {
      line('binary', bytes);
      bytes.fill(0xee); // the next message must not depend on what stands there
      give();
    },
    onOther: (bytes) => receiver.write(bytes),
  });
  for (const piece of pieces(stream, sizes)) {
    const passing = Buffer.from(piece);
    reader.read(passing);
    passing.fill(0x55); // as a buffer that is read into again
  }
  await setImmediate(); // errors are told then
  return out;
}

async function byLibrary(stream: Buffer, maxMessageBytes?: number): Promise<string[]> {
  const { out, receiver } = collect(maxMessageBytes);
  receiver.write(stream);
  await setImmediate();
  return out;
}

const data = fc
  .tuple(fc.oneof(fc.constantFrom(0, 1, 125, 126, 127, 65535, 65536, 16383, 16384), fc.nat(70_000)), fc.nat(255))
  .map(([length, seed]) => filled(length, seed));
const control = fc.tuple(fc.nat(125), fc.nat(255)).map(([length, seed]) => filled(length, seed));
const ping = control.map((bytes): Frame[] => [{ opcode: PING, fin: true, data: bytes }]);
const whole = fc
  .tuple(fc.constantFrom(BINARY, BINARY, BINARY, TEXT), data)
  .map(([opcode, bytes]): Frame[] => [
    { opcode, fin: true, data: opcode === TEXT ? Buffer.from(bytes.map((byte) => byte & 127)) : bytes },
  ]);
const inPieces = fc
  .tuple(fc.array(data, { minLength: 2, maxLength: 4 }), ping)
  .map(([parts, between]) =>
    parts.flatMap((part, i): Frame[] => [
      { opcode: i === 0 ? BINARY : CONTINUATION, fin: i === parts.length - 1, data: part },
      ...(i === 0 ? between : []),
    ]),
  );
const streams = fc
  .array(fc.oneof({ weight: 4, arbitrary: whole }, inPieces, ping), { minLength: 1, maxLength: 6 })
  .map((messages) => Buffer.concat(messages.flat().map(encode)));

describe('FrameReader', () => {
  it('gives what the library gives, however the bytes are cut, with memory used again', async () => {
    await fc.assert(
      fc.asyncProperty(
        streams,
        fc.array(fc.integer({ min: 1, max: 30_000 }), { maxLength: 40 }),
        async (stream, sizes) => {
          expect(await through(stream, sizes)).toEqual(await byLibrary(stream));
        },
      ),
      { numRuns: 150, seed: 7 },
    );
  });

  it('takes a message byte by byte, and one larger than memory is first taken for', async () => {
    const small = encode({ opcode: BINARY, fin: true, data: filled(300, 1) });
    expect(await through(small, new Array(small.length).fill(1))).toEqual(await byLibrary(small));
    const large = encode({ opcode: BINARY, fin: true, data: filled(20 << 20, 3) });
    expect(await through(large, new Array(400).fill(60_000), 32 << 20)).toEqual(await byLibrary(large, 32 << 20));
  });

  it('leaves what is wrong to the library: too long, unmasked, one within another, bits of extensions', async () => {
    const unmasked = Buffer.concat([Buffer.from([0x82, 3]), Buffer.from('abc')]);
    const within = Buffer.concat(
      [
        { opcode: BINARY, fin: false, data: filled(9, 1) },
        { opcode: BINARY, fin: true, data: filled(9, 2) },
      ].map(encode),
    );
    const compressed = encode({ opcode: BINARY, fin: true, data: filled(9, 1) });
    compressed[0]! |= 0x40;
    const long = encode({ opcode: BINARY, fin: true, data: filled(5000, 1) });
    for (const [stream, why] of [
      [unmasked, /MASK must be set/],
      [within, /invalid opcode 2/],
      [compressed, /RSV1 must be clear/],
      [long, /Max payload size exceeded/],
    ] as const) {
      const got = await through(stream, [3, 4, 50], 4096);
      expect(got).toEqual(await byLibrary(stream, 4096));
      expect(got.join()).toMatch(why);
    }
  });

  it('hears nothing after it was stopped, nor the rest of a message', () => {
    const out: number[] = [];
    const reader = new FrameReader({
      buffers: new MessageBuffers(),
      maxMessageBytes: 1 << 20,
      onMessage: (bytes) => out.push(bytes.length),
      onOther: (bytes) => out.push(-bytes.length),
    });
    const stream = encode({ opcode: BINARY, fin: true, data: filled(400, 1) });
    reader.read(stream);
    reader.read(stream.subarray(0, 100));
    reader.stop();
    reader.read(stream.subarray(100));
    reader.read(encode({ opcode: CLOSE, fin: true, data: Buffer.alloc(0) }));
    expect(out).toEqual([400]);
  });
});

describe('MessageBuffers', () => {
  it('gives a buffer again that fits, and no other', () => {
    const buffers = new MessageBuffers();
    const first = buffers.take(600_000);
    expect(first.length).toBeGreaterThanOrEqual(600_000);
    buffers.give(first);
    expect(buffers.take(10)).not.toBe(first); // far too large
    expect(buffers.take(first.length + 1)).not.toBe(first);
    expect(buffers.take(599_000)).toBe(first);
    expect(buffers.take(599_000)).not.toBe(first); // it is in use
  });

  it('keeps a bounded number of bytes', () => {
    const buffers = new MessageBuffers();
    const taken = Array.from({ length: 40 }, () => buffers.take(4 << 20));
    for (const buffer of taken) buffers.give(buffer);
    const again = Array.from({ length: 40 }, () => buffers.take(4 << 20));
    expect(again.filter((buffer) => taken.includes(buffer)).length).toBe(16); // 64 MiB
  });
});
