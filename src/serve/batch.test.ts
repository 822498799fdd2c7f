import { describe, expect, it } from 'vitest';
import type { PlanRequest } from '../model/plan.ts';
import { BatchingPlanner } from './batch.ts';
import { ArithmeticPlanner, fakeObservation, plannedNumber } from './testing.ts';

function request(seed: string, value: number): PlanRequest {
  const { pictures } = fakeObservation();
  return { taskId: 0, stage: 0, state: new Float32Array(23).fill(value), pictures, seed };
}

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

describe('a batching planner', () => {
  it('lets what arrives during a pass share the next one, and gives each its own plan', async () => {
    const inner = new Recording();
    inner.delayMs = 10;
    const planner = new BatchingPlanner(inner, 3);
    const requests = [...'abcdef'].map((seed, i) => request(seed, i));
    const plans = await Promise.all(requests.map((one) => planner.plan([one])));
    expect(inner.passes).toEqual(['a', 'bcd', 'ef']);
    for (const [i, [plan]] of plans.entries()) expect(plan!.actions[7]).toBe(plannedNumber(requests[i]!, 0, 7));
    await planner.plan([request('g', 1)]);
    expect(inner.passes.at(-1)).toBe('g');
  });

  it('keeps one bad request from failing the others', async () => {
    const inner = new Recording();
    inner.delayMs = 5;
    const planner = new BatchingPlanner(inner, 4);
    const results = await Promise.allSettled([...'abxc'].map((seed) => planner.plan([request(seed, 1)])));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(inner.passes).toEqual(['a', 'bxc', 'b', 'x', 'c']);
  });
});
