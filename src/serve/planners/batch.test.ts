import { afterEach, describe, expect, it, vi } from 'vitest';
import { ArithmeticPlanner, fakeObservation, plannedNumber } from '../../../test/support/serve.ts';
import type { PlanRequest } from '../../robot/index.ts';
import { BatchingPlanner } from './batch.ts';
import { Caller, NobodyWaitsError } from './caller.ts';
import { BusyError, type Urgency } from './urgentPlanner.ts';

afterEach(() => {
  vi.useRealTimers();
});

function request(seed: string, value: number): PlanRequest {
  const { pictures } = fakeObservation();
  return { taskId: 0, stage: 0, state: new Float32Array(23).fill(value), pictures, seed };
}
const ask = (planner: BatchingPlanner, seed: string, slackMs?: number, signal?: AbortSignal) =>
  planner.plan([request(seed, 1)], { ...(slackMs !== undefined && { slackMs }), ...(signal && { signal }) });

/** Remembers how many requests each pass had, and fails passes that hold the request `bad`. */
class Recording extends ArithmeticPlanner {
  readonly passes: string[] = [];
  override async plan(requests: readonly PlanRequest[]) {
    this.passes.push(requests.map(({ seed }) => seed).join(''));
    const predictions = await super.plan(requests);
    if (requests.some(({ seed }) => seed === 'x')) throw new Error('bad request');
    return predictions;
  }
}
/** Plans in steps, and gives up between two when it is told to. */
class Stepped extends ArithmeticPlanner {
  readonly log: string[] = [];
  override async plan(requests: readonly PlanRequest[], { signal }: Urgency = {}) {
    const names = requests.map(({ seed }) => seed).join('');
    for (let step = 0; step < 10; step++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (signal?.aborted) {
        this.log.push(`${names} given up`);
        throw signal.reason;
      }
    }
    this.log.push(names);
    return super.plan(requests);
  }
}
function recording(delayMs: number): Recording {
  const inner = new Recording();
  inner.delayMs = delayMs;
  return inner;
}

describe('a batching planner', () => {
  it('lets what arrives during a pass share the next one, and gives each its own plan', async () => {
    const inner = recording(10);
    const planner = new BatchingPlanner(inner, 3);
    const requests = [...'abcdef'].map((seed, i) => request(seed, i));
    const plans = await Promise.all(requests.map((one) => planner.plan([one])));
    expect(inner.passes).toEqual(['a', 'bcd', 'ef']);
    for (const [i, [plan]] of plans.entries()) expect(plan!.actions[7]).toBe(plannedNumber(requests[i]!, 0, 7));
    await planner.plan([request('g', 1)]);
    expect(inner.passes.at(-1)).toBe('g');
  });

  it('keeps one bad request from failing the others', async () => {
    const inner = recording(5);
    const planner = new BatchingPlanner(inner, 4);
    const results = await Promise.allSettled([...'abxc'].map((seed) => planner.plan([request(seed, 1)])));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(inner.passes).toEqual(['a', 'bxc', 'b', 'x', 'c']);
  });

  it('gives work to every planner that is free', async () => {
    const inner = [recording(20), recording(20)];
    const planner = new BatchingPlanner(inner, 2);
    await Promise.all([...'abcdef'].map((seed) => ask(planner, seed)));
    expect(inner.map(({ passes }) => passes)).toEqual([
      ['a', 'cd'],
      ['b', 'ef'],
    ]);
  });

  it('waits for company, but not for longer than asked, and not for company that cannot come', async () => {
    vi.useFakeTimers();
    const inner = recording(0);
    let robots = 3;
    const planner = new BatchingPlanner(inner, { size: 4, waitMs: 60, expected: () => robots });
    const first = ask(planner, 'a');
    await vi.advanceTimersByTimeAsync(5);
    await Promise.all([first, ask(planner, 'b'), ask(planner, 'c')]);
    expect(inner.passes).toEqual(['abc']);
    const waits = ask(planner, 'd');
    await vi.advanceTimersByTimeAsync(59);
    expect(inner.passes).toEqual(['abc']);
    await vi.advanceTimersByTimeAsync(1);
    await waits;
    expect(inner.passes).toEqual(['abc', 'd']);
    robots = 1;
    // No time passes.
    await ask(planner, 'e');
    expect(inner.passes).toEqual(['abc', 'd', 'e']);
  });

  it('puts plans that are not urgent behind those that are, until their time comes', async () => {
    vi.useFakeTimers();
    const inner = recording(20);
    const planner = new BatchingPlanner(inner, 1);
    const all = [ask(planner, 'a'), ask(planner, 'z', 30), ask(planner, 'b'), ask(planner, 'c')];
    await vi.advanceTimersByTimeAsync(45);
    all.push(ask(planner, 'd'), ask(planner, 'e'));
    await vi.runAllTimersAsync();
    await Promise.all(all);
    expect(inner.passes.join(''), 'before what came after its time').toBe('abczde');
  });

  it('starves nobody: whoever asks again waits behind those who wait', async () => {
    const inner = recording(1);
    const planner = new BatchingPlanner(inner, 2);
    const counts = new Map<string, number>();
    const end = performance.now() + 150;
    const robot = async (name: string) => {
      for (; performance.now() < end; counts.set(name, (counts.get(name) ?? 0) + 1)) await ask(planner, name);
    };
    await Promise.all([...'abcdefg'].map(robot));
    const numbers = [...counts.values()];
    expect(Math.max(...numbers) - Math.min(...numbers)).toBeLessThanOrEqual(1);
  });

  it('makes a trial plan next, however many wait', async () => {
    const inner = recording(10);
    const planner = new BatchingPlanner(inner, { size: 1, maxWaiting: 2 });
    const robots = [ask(planner, 'a'), ask(planner, 'b'), ask(planner, 'c')];
    await Promise.all([...robots, planner.plan([request('t', 1)], { first: true })]);
    expect(inner.passes).toEqual(['a', 't', 'b', 'c']);
  });

  it('refuses more than may wait, and forgets what nobody waits for', async () => {
    const inner = recording(10);
    const planner = new BatchingPlanner(inner, { size: 1, maxWaiting: 2 });
    const abort = new AbortController();
    const [a, b, c] = [ask(planner, 'a'), ask(planner, 'b'), ask(planner, 'c', 0, abort.signal)];
    await expect(ask(planner, 'd')).rejects.toThrow(BusyError);
    abort.abort();
    await expect(c).rejects.toThrow(/nobody waits/);
    await Promise.all([a, b]);
    expect(inner.passes).toEqual(['a', 'b']);
  });

  it('lets whoever has asked for longer into a full queue, in place of the last comer', async () => {
    const inner = recording(10);
    const waiting: number[] = [];
    const onWaiting = (change: number) => waiting.push((waiting.at(-1) ?? 0) + change);
    const planner = new BatchingPlanner(inner, { size: 1, maxWaiting: 2, onWaiting });
    const since = performance.now();
    const [a, b, c] = [ask(planner, 'a'), ask(planner, 'b'), ask(planner, 'c')];
    // A client that was refused, or timed out, asks again; comers and goers have filled the queue meanwhile.
    const again = planner.plan([request('s', 1)], { since });
    await expect(c).rejects.toThrow(BusyError);
    await expect(planner.plan([request('t', 1)], { since: performance.now() }), 'the newest').rejects.toThrow(
      BusyError,
    );
    await Promise.all([a, b, again]);
    expect(inner.passes).toEqual(['a', 's', 'b']);
    expect(Math.max(...waiting)).toBe(2);
    expect(waiting.at(-1)).toBe(0);
  });

  it('begins no plan of a caller that is away, does not count it, and keeps its place', async () => {
    const inner = recording(10);
    const waiting: number[] = [];
    const onWaiting = (change: number) => waiting.push((waiting.at(-1) ?? 0) + change);
    const planner = new BatchingPlanner(inner, { size: 1, maxWaiting: 2, onWaiting });
    const callers = [...'bcdef'].map(() => new Caller());
    const since = performance.now();
    const of = (seed: string, caller: Caller) =>
      planner.plan([request(seed, 1)], { caller, signal: caller.signal, since });
    const a = ask(planner, 'a');
    for (const [i, caller] of callers.entries()) {
      const gone = of('bcdef'[i]!, caller);
      caller.leave();
      await expect(gone).rejects.toThrow(NobodyWaitsError);
      await expect(of('x', caller), 'while it is away').rejects.toThrow(NobodyWaitsError);
    }
    expect(waiting.at(-1)).toBe(0);
    const [g, h] = [ask(planner, 'g'), ask(planner, 'h')];
    await a;
    callers[2]!.comeBack();
    const d = of('d', callers[2]!);
    await Promise.all([g, h, d]);
    expect(inner.passes).toEqual(['a', 'g', 'd', 'h']);
  });

  it('gives up a pass whose callers are all away only when somebody else waits', async () => {
    const inner = new Stepped();
    const planner = new BatchingPlanner(inner, { size: 2 });
    const [a, b, c] = [new Caller(), new Caller(), new Caller()];
    const of = (seed: string, caller: Caller) => planner.plan([request(seed, 1)], { caller, signal: caller.signal });
    // Nobody else waits: the plan is finished, for the caller to find when it comes back.
    const kept = of('a', a);
    a.leave();
    expect(await kept).toHaveLength(1);
    a.comeBack();
    // One of the pass is still there.
    const first = of('x', c);
    const shared = [of('a', a), of('b', b)];
    await first;
    a.leave();
    const others = of('c', c);
    await Promise.all([...shared, others]);
    // All are away, and one waits.
    const long = of('b', b);
    b.leave();
    await Promise.all([of('c', c), expect(long).rejects.toThrow(NobodyWaitsError)]);
    // Those that are not wanted, whoever waits.
    const unwanted = of('c', c);
    c.giveUp();
    await expect(unwanted).rejects.toThrow(NobodyWaitsError);
    expect(inner.log).toEqual(['a', 'x', 'ab', 'c', 'b given up', 'c', 'c given up']);
  });

  it('fails what waits when it is closed', async () => {
    const planner = new BatchingPlanner(recording(10), 1);
    const [a, b] = [ask(planner, 'a'), ask(planner, 'b')];
    await planner.close();
    await expect(b).rejects.toThrow(/closed/);
    await a;
  });
});
