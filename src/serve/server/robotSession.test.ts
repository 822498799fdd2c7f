import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ArithmeticPlanner,
  fakeObservation,
  goldenBytes,
  goldenJson,
  wireObservation,
} from '../../../test/support/serve.ts';
import { InputError } from '../../base/index.ts';
import { createSession } from '../../control/index.ts';
import { packMessage, unpackMessage, type WireMap } from '../../wire/index.ts';
import { PlannedActions, type PlannedSnapshot } from './plannedActions.ts';
import { type ConversationSnapshot, RobotSession } from './robotSession.ts';

const RUNS = Number(process.env['VALET_FUZZ'] ?? 2000);
const unpack = { maxDepth: 32, maxValues: 10_000, maxArrayBytes: 1 << 20 };

/** A robot's session on plans made ahead, with the snapshot of all that it knows. */
function robot() {
  const planner = new ArithmeticPlanner();
  const source = new PlannedActions({
    session: createSession({ seed: 1 }),
    robot: planner.robot,
    planAhead: 2,
    maxPictureBytes: unpack.maxArrayBytes,
    gateway: {
      plannerFor: async () => planner,
      plan: async (_planner, request) => (await planner.plan([request]))[0]!,
    },
  });
  const session = new RobotSession({ robot: planner.robot, source, unpack });
  return {
    planner,
    respond: (bytes: Uint8Array) => session.respond(bytes),
    snapshot: () => ({ conversation: session.snapshot(), planned: source.snapshot() }),
    restore: (state: { conversation: ConversationSnapshot; planned: PlannedSnapshot }) => {
      source.restore(state.planned);
      session.restore(state.conversation);
    },
  };
}

describe("a robot's session", () => {
  it('answers changed, cut and lengthened messages or says what is wrong with them; it never breaks', async () => {
    const { pictures } = fakeObservation();
    const originals = [
      packMessage({ ...wireObservation({ ...fakeObservation(), pictures }), __action_chunk_size__: 5 }),
      packMessage({ ...wireObservation(fakeObservation({ length: 61 })), __policy_note__: true }),
      packMessage({ reset: true }),
      ...goldenJson<{ file: string; gzip: boolean }[]>('cases.json')
        .filter(({ gzip }) => !gzip)
        .map((message) => goldenBytes(message)),
    ];
    const mutation = fc.tuple(
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom('set', 'cut', 'insert', 'flip'),
    );
    const subject = robot();
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...originals),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        async (original, mutations) => {
          let bytes = Buffer.from(original);
          for (const [where, byte, how] of mutations) {
            const at = where % Math.max(1, bytes.length);
            if (how === 'set') bytes[at] = byte;
            else if (how === 'flip') bytes[at]! ^= 1 << (byte & 7);
            else if (how === 'cut') bytes = bytes.subarray(0, at);
            else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)]);
          }
          try {
            const reply = await subject.respond(bytes);
            if (reply) answered++;
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
      { numRuns: RUNS, seed: 3 },
    );
    expect(answered).toBeGreaterThan(RUNS / 200);
    const reply = await subject.respond(packMessage(wireObservation(fakeObservation())));
    expect((unpackMessage(reply!) as WireMap).has('action')).toBe(true);
  });

  it('comes back from its snapshot as JSON, actions of an unfilled chunk included', async () => {
    const message = (joint: number, chunk: number) =>
      packMessage({ ...wireObservation(fakeObservation({ joint })), __action_chunk_size__: chunk });
    const a = robot();
    for (const chunk of [8, 8, 8]) await a.respond(message(0.1, chunk)); // the third is not filled
    const b = robot();
    b.restore(JSON.parse(JSON.stringify(a.snapshot())));
    for (let step = 0; step < 30; step++) {
      const [one, two] = [await a.respond(message(step / 100, 1)), await b.respond(message(step / 100, 1))];
      const action = (bytes: Uint8Array) => (unpackMessage(bytes) as WireMap).get('action');
      expect(action(two!)).toEqual(action(one!));
    }
    expect(() => b.restore({ ...a.snapshot(), planned: { session: {} } } as never)).toThrow(InputError);
  });
});
