import { describe, expect, it } from 'vitest';
import { ArithmeticPlanner, fakeObservation } from '../../../test/support/serve.ts';
import { InputError } from '../../base/index.ts';
import type { PlanRequest, Prediction } from '../../robot/index.ts';
import { BatchingPlanner } from './batch.ts';
import { type RestartablePlanner, SupervisedPlanner } from './supervisedPlanner.ts';
import { planInTime } from './urgentPlanner.ts';

const request = (seed: string): PlanRequest => ({ ...fakeObservation(), stage: 0, state: new Float32Array(23), seed });

/** A planner that dies of the request `deadly`, and hangs on `slow`. */
class Frail extends ArithmeticPlanner implements RestartablePlanner {
  isDead = false;
  private die!: () => void;
  private fail!: (error: Error) => void;
  readonly died = new Promise<void>((resolve) => (this.die = resolve));
  private readonly death = new Promise<never>((_, reject) => (this.fail = reject));

  constructor() {
    super();
    this.death.catch(() => undefined);
  }
  override async plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    if (requests.some(({ seed }) => seed === 'deadly')) await this.kill();
    if (this.isDead || requests.some(({ seed }) => seed === 'slow')) return this.death;
    return Promise.race([super.plan(requests), this.death]);
  }
  async kill(): Promise<void> {
    this.isDead = true;
    this.fail(new Error('the worker ended'));
    this.die();
  }
}

async function supervised(hangMs = 30) {
  const started: Frail[] = [];
  const heard: string[] = [];
  let refuse = 0;
  let why = new Error('no memory');
  const start = async () => {
    if (refuse-- > 0) throw why;
    started.push(new Frail());
    return started.at(-1)!;
  };
  const planner = await SupervisedPlanner.start(start, {
    backoffMs: [10, 20],
    hangMs,
    onRestart: (why) => heard.push(why),
    onFailedRestart: ({ message }) => heard.push(message),
  });
  const refuseNext = (count: number, error = new Error('no memory')) => {
    refuse = count;
    why = error;
  };
  return { planner, started, heard, refuseNext };
}

describe('a supervised planner', () => {
  it('gives the requests of a dead worker to the next one, and a deadly one twice at most', async () => {
    const { planner, started, heard } = await supervised();
    await started[0]!.kill();
    expect(await planner.plan([request('a')])).toHaveLength(1);
    await expect(planner.plan([request('deadly')])).rejects.toThrow(/the worker ended/);
    expect(await planner.plan([request('b')])).toHaveLength(1);
    expect([started.length, heard]).toEqual([4, ['died', 'died', 'died']]);
  });

  it('ends a worker that takes too long, and does not try that again', async () => {
    const { planner, started, heard } = await supervised();
    await expect(planInTime(planner, [request('slow')], 30)).rejects.toThrow(/longer than 30 ms/);
    await expect.poll(() => heard, { timeout: 20_000 }).toEqual(['too slow']);
    expect(await planner.plan([request('a')])).toHaveLength(1);
    expect(started).toHaveLength(2);
  });

  it('lets a worker finish what others wait for still, and what was only given up', async () => {
    const { planner: supervisedOne, started, heard } = await supervised(1000);
    const planner = new BatchingPlanner(supervisedOne, 2);
    started[0]!.delayMs = 60;
    const first = planner.plan([request('first')]);
    // Two that share a pass: one is too late, the other in time.
    const [late, inTime] = [planInTime(planner, [request('a')], 90), planInTime(planner, [request('b')], 5000)];
    await expect(late).rejects.toThrow(/longer than 90 ms/);
    await first;
    expect((await inTime)[0]!.horizon).toBe(30);
    const givenUp = new AbortController();
    const dropped = planner.plan([request('c')], { signal: givenUp.signal });
    await new Promise((resolve) => setTimeout(resolve, 10));
    givenUp.abort();
    expect(await dropped).toHaveLength(1);
    expect([started.length, heard]).toEqual([1, []]);
  });

  it('lets plans wait while the start of a worker fails, but not for a checkpoint that is spoilt', async () => {
    const { planner, started, heard, refuseNext } = await supervised();
    refuseNext(2);
    await started[0]!.kill();
    expect(await planner.plan([request('a')])).toHaveLength(1);
    expect(heard).toEqual(['died', 'no memory', 'no memory']);
    refuseNext(1, new InputError('checkpoint', 'is gone.'));
    await started[1]!.kill();
    await expect(planner.plan([request('a')])).rejects.toThrow(/no worker can be started \(checkpoint: is gone\.\)/);
    await planner.close();
  });

  it('tries again and again to start a worker; meanwhile it is not up', async () => {
    const { planner, started, heard, refuseNext } = await supervised();
    refuseNext(4);
    await started[0]!.kill();
    await expect(planner.plan([request('a')])).rejects.toThrow(/no worker can be started \(no memory\)/);
    expect(planner.isUp).toBe(false);
    await expect.poll(() => planner.isUp, { interval: 5, timeout: 20_000 }).toBe(true);
    expect(await planner.plan([request('a')])).toHaveLength(1);
    expect(heard).toEqual(['died', ...new Array(4).fill('no memory')]);
    await planner.close();
  });
});
