import { describe, expect, it } from 'vitest';
import { fakeObservation, robotNamed } from '../robot/index.ts';
import { ASK_FOR_NOTE, actionsAsked, EXTRAS, extra, noteOf, type ReplyFacts, readExtras } from './extras.ts';
import { type NumpyArray, NumpyScalar } from './numpy.ts';
import { readObservation, writeObservation } from './observation.ts';
import { packMessage } from './pack.ts';
import { packReply } from './reply.ts';
import { unpackMessage } from './unpack.ts';
import { Float, type Packable, type WireMap } from './value.ts';

const ARM = robotNamed('single-arm');
const onWire = (message: { [key: string]: Packable }) => unpackMessage(packMessage(message)) as WireMap;
const facts: ReplyFacts = { action: new Float32Array(7).fill(0.5), inferMs: 2 };
const ask = (message: { [key: string]: Packable }) => readExtras(onWire(message));
const reply = (more: Partial<ReplyFacts>, message: { [key: string]: Packable } = {}) =>
  unpackMessage(packReply({ ...facts, ...more }, ask(message)), { exactFloats: true }) as WireMap;

describe('extras of the wire', () => {
  it('that nobody asked for are left out; the timing is always there', () => {
    const plain = reply({ chunk: new Float32Array(14), notes: [{ planned: true, stage: 1 }] });
    expect([...plain.keys()]).toEqual(['action', 'server_timing']);
    expect([...(plain.get('server_timing') as WireMap).keys()]).toEqual(['infer_ms']);
    const timing = reply({ previousTotalMs: 7 }).get('server_timing') as WireMap;
    expect(timing.get('prev_total_ms')).toEqual(new Float(7));
  });

  it('chunks: of the size that was asked for, in every form of a number', () => {
    const size = (value: Packable) => actionsAsked(ask({ __action_chunk_size__: value }));
    expect([8, new NumpyScalar('<i8', 3)].map(size)).toEqual([8, 3]);
    for (const none of [1, 0, 2.5, 1001, '8', null]) expect(size(none)).toBe(1);
    const asked = { __action_chunk_size__: 2 };
    expect(reply({}, asked).has('action_chunk')).toBe(false);
    expect((reply({ chunk: new Float32Array(14) }, asked).get('action_chunk') as NumpyArray).shape).toEqual([2, 7]);
    const batched = reply({ chunk: new Float32Array(14), robots: 1 }, asked);
    expect((batched.get('action_chunk') as NumpyArray).shape).toEqual([1, 2, 7]);
    expect((batched.get('action') as NumpyArray).shape).toEqual([1, 7]);
  });

  it("the policy's note comes back as it was", () => {
    const note = { planned: true, stage: 3, predicted: 4, rule: 'lift', reason: 'it fell', compressed: false };
    expect(noteOf(reply({ notes: [note] }, ASK_FOR_NOTE))).toEqual(note);
    expect(noteOf(reply({ notes: [note] }, { __policy_note__: 1 }))).toBeUndefined();
  });

  it('a new row of the table is read in requests and written in replies', () => {
    const scale = extra<{ by: number; unit: unknown }>({
      name: 'scaled',
      request: {
        keys: ['__scale__', '__unit__'],
        read: (by, unit) => (typeof by === 'number' ? { by, unit } : undefined),
      },
      actions: ({ by }) => by,
      reply: {
        key: 'scaled',
        write: ({ action }, { by, unit }) => [String(unit), ...Array.from(action, (x) => x * by)],
      },
    });
    const table = [...EXTRAS, scale];
    const request = { ...writeObservation(fakeObservation(ARM), ARM), __scale__: 4, __unit__: 'rad' };
    const { asked } = readObservation(onWire(request), ARM, table);
    expect(actionsAsked(asked, table)).toBe(4);
    const written = unpackMessage(packReply(facts, asked, table)) as WireMap;
    expect([...written.keys()]).toEqual(['action', 'server_timing', 'scaled']);
    expect(written.get('scaled')).toEqual(['rad', 2, 2, 2, 2, 2, 2, 2]);
    // Without the key, or with one that reads as nothing, the row is silent.
    const plain = writeObservation(fakeObservation(ARM), ARM);
    for (const other of [plain, { ...plain, __unit__: 'rad' }])
      expect(readObservation(onWire(other), ARM, table).asked.size).toBe(0);
  });
});
