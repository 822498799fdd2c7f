import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ArithmeticPlanner,
  fakeObservation,
  goldenBytes,
  goldenJson,
  SeededPlanner,
  wireObservation,
} from '../../../test/support/serve.ts';
import { InputError } from '../../base/index.ts';
import { createSession } from '../../control/index.ts';
import type { Observation, PlanRequest } from '../../robot/index.ts';
import { NumpyArray, type Packable, packMessage, unpackMessage, type WireMap } from '../../wire/index.ts';
import { Caller } from '../planners/index.ts';
import { PlannedActions } from './plannedActions.ts';
import { RobotSession } from './robotSession.ts';
import { RowPlans } from './rowPlans.ts';

const RUNS = Number(process.env['VALET_FUZZ'] ?? 2000);
const unpack = { maxDepth: 32, maxValues: 10_000, maxArrayBytes: 1 << 20 };

/** A session on plans made ahead; `planner` hears how its robots' plans are asked for. */
function robots(planner = new ArithmeticPlanner(), seeds = ['1']) {
  const calls: number[] = [];
  const gateway = {
    plannerFor: async () => planner,
    plan: async (_planner: unknown, requests: readonly PlanRequest[]) => {
      calls.push(requests.length);
      return planner.plan(requests);
    },
  };
  const plans = new RowPlans(gateway, new Caller());
  const session = new RobotSession({
    robot: planner.robot,
    openSource: (row) =>
      new PlannedActions({
        session: createSession({ seed: seeds[row] ?? seeds[0] ?? '1' }),
        robot: planner.robot,
        planAhead: 0,
        maxPictureBytes: unpack.maxArrayBytes,
        gateway: plans.source(row),
      }),
    together: plans.together.bind(plans),
    unpack,
  });
  return { planner, calls, session, respond: (bytes: Uint8Array) => session.respond(bytes) };
}

/** One message of several robots: every array with a leading axis. */
function batch(observations: readonly Observation[], more: { [key: string]: Packable } = {}): Uint8Array {
  const messages = observations.map((observation) => wireObservation(observation));
  const stacked = Object.keys(messages[0]!).map((key) => {
    const arrays = messages.map((message) => message[key] as NumpyArray);
    const bytes = Buffer.concat(arrays.map((array) => array.bytes));
    return [key, new NumpyArray(arrays[0]!.dtype, [arrays.length, ...arrays[0]!.shape], bytes)];
  });
  return packMessage({ ...Object.fromEntries(stacked), ...more });
}

const array = (reply: Uint8Array | undefined, key = 'action') =>
  (unpackMessage(reply!) as WireMap).get(key) as NumpyArray;
/** Row `row` of an array with a leading axis, as bytes. */
const rowOf = ({ bytes, shape }: NumpyArray, row: number) => {
  const size = bytes.length / shape[0]!;
  return Buffer.from(bytes.subarray(row * size, (row + 1) * size));
};

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
    const subject = robots();
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
            await subject.respond(packMessage({ reset: true })); // of another number of robots, perhaps
          }
        },
      ),
      { numRuns: RUNS, seed: 3 },
    );
    expect(answered).toBeGreaterThan(RUNS / 200);
    const reply = await subject.respond(packMessage(wireObservation(fakeObservation())));
    expect((unpackMessage(reply!) as WireMap).has('action')).toBe(true);
  });

  it('of several robots is as many sessions of one, bit for bit, whose plans share passes', async () => {
    const seeds = ['a', 'b', 'c'];
    const together = robots(new SeededPlanner(), seeds);
    const alone = seeds.map((seed) => robots(new SeededPlanner(), [seed]));
    const seen = (step: number, row: number) =>
      fakeObservation({ taskId: 2 + row, joint: (step + 30 * row) / 100, shade: step + row, length: 61 });
    for (let step = 0; step < 60; step++) {
      if (step === 33)
        for (const { respond } of [together, ...alone])
          expect(await respond(packMessage({ reset: true }))).toBeUndefined();
      // From step 40 on in chunks.
      const more = { ...(step >= 40 && { __action_chunk_size__: 7 }), __policy_note__: true };
      const reply = await together.respond(
        batch(
          seeds.map((_, row) => seen(step, row)),
          more,
        ),
      );
      expect(array(reply).shape).toEqual([3, 23]);
      for (const [row, { respond }] of alone.entries()) {
        const single = await respond(packMessage({ ...wireObservation(seen(step, row)), ...more }));
        expect(rowOf(array(reply), row)).toEqual(Buffer.from(array(single).bytes));
        if (step < 40) continue;
        expect(array(reply, 'action_chunk').shape).toEqual([3, 7, 23]);
        expect(rowOf(array(reply, 'action_chunk'), row)).toEqual(Buffer.from(array(single, 'action_chunk').bytes));
      }
    }
    expect(new Set(together.calls)).toEqual(new Set([3]));
    expect(together.session.size).toBe(3);
  });

  it('changes the number of robots after a reset only, and resets some of them', async () => {
    const { respond, planner } = robots();
    const seen = (row: number) => fakeObservation({ taskId: row, joint: row / 10 });
    await respond(batch([seen(1), seen(2)]));
    await expect(respond(batch([seen(1), seen(2), seen(3)]))).rejects.toThrow(
      /is of 3 robots \(the last one was of 2\). Send a reset/,
    );
    await expect(respond(packMessage({ reset: true, rows: [2] }))).rejects.toThrow(/names robot 2 \(expected 0…1/);
    // The second one alone starts over: it plans, the first goes on.
    planner.requests = [];
    expect(await respond(packMessage({ reset: true, rows: [1] }))).toBeUndefined();
    await respond(batch([seen(1), seen(2)]));
    expect(planner.requests.map(({ taskId, seed }) => [taskId, seed])).toEqual([[2, '1/1/0']]);
    await respond(packMessage({ reset: [true, false] }));
    await respond(batch([seen(1), seen(2)]));
    expect(planner.requests.slice(1).map(({ taskId }) => taskId)).toEqual([1]);
    await respond(packMessage({ reset: true }));
    expect(array(await respond(batch([seen(1), seen(2), seen(3)]))).shape).toEqual([3, 23]);
    expect(
      array(
        await respond(packMessage({ ...wireObservation(seen(1)), reset: true })).then(async () =>
          respond(packMessage(wireObservation(seen(1)))),
        ),
      ).shape,
    ).toEqual([23]);
  });

  it('acts no robot twice when the plan of another one failed', async () => {
    const { respond, planner } = robots();
    const seen = (taskId: number) => fakeObservation({ taskId, joint: taskId / 10 });
    const first = array(await respond(batch([seen(1), seen(2)])));
    await respond(packMessage({ reset: true, rows: [1] }));
    // The first robot steps on, the second one's plan fails.
    planner.failure = new Error('none');
    await expect(respond(batch([seen(1), seen(2)]))).rejects.toThrow('none');
    planner.failure = undefined;
    const again = array(await respond(batch([seen(1), seen(2)]))).float32();
    expect(again[7]).not.toBe(first.float32()[7]);
    const { respond: whole } = robots();
    await whole(batch([seen(1), seen(2)]));
    await whole(packMessage({ reset: true, rows: [1] }));
    expect(again).toEqual(array(await whole(batch([seen(1), seen(2)]))).float32());
  });

  it('gives the same reply again to an observation that comes again after the connection was lost', async () => {
    const { respond, session } = robots();
    const message = (step: number) => packMessage(wireObservation(fakeObservation({ joint: step / 100 })));
    const replies = [await respond(message(0)), await respond(message(1))];
    session.takeUp();
    expect(await respond(message(1))).toBe(replies[1]);
    expect(await respond(message(1)), 'only once').not.toEqual(replies[1]);
    session.takeUp();
    session.rest();
    const { respond: uncut } = robots();
    for (const step of [0, 1, 1]) await uncut(message(step));
    expect(array(await respond(message(2)))).toEqual(array(await uncut(message(2))));
    session.takeUp();
    await respond(packMessage({ reset: true }));
    expect(array(await respond(message(2)))).toEqual(array(await robots().respond(message(2))));
  });

  it.each([2, 3, 7, 8, 10, 16, 20, 25, 30])('gives a chunk of %i with every reply', async (size) => {
    const { respond, planner } = robots();
    for (let step = 0; step < 12; step++) {
      const message = { ...wireObservation(fakeObservation({ joint: step / 20 })), __action_chunk_size__: size };
      const reply = await respond(packMessage(message));
      expect(array(reply, 'action_chunk').shape).toEqual([size, 23]);
      expect(array(reply, 'action_chunk').float32().subarray(0, 23)).toEqual(array(reply).float32());
    }
    // What is not executed of a plan is what the next one keeps to.
    const prefixes = planner.requests.slice(1).map(({ prefix }) => prefix?.rows);
    expect(new Set(prefixes).size).toBe(1);
  });

  it('fills a chunk after single steps, and falls back where a plan is too short for it', async () => {
    const { respond, planner } = robots();
    const message = (size: number) =>
      packMessage({ ...wireObservation(fakeObservation()), __action_chunk_size__: size });
    for (let step = 0; step < 15; step++) await respond(message(1));
    expect(array(await respond(message(10)), 'action_chunk').shape).toEqual([10, 23]);
    expect(planner.requests).toHaveLength(2);
    const reply = unpackMessage((await respond(message(31)))!) as WireMap;
    expect([reply.has('action'), reply.has('action_chunk')]).toEqual([true, false]);
  });
});
