import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Readiness } from './readiness.ts';

/** Trial plans that end when the test says so. */
class Trials {
  readonly under: { works(): Promise<void>; fails(): Promise<void> }[] = [];
  begun = 0;
  readonly make = () =>
    new Promise<void>((resolve, reject) => {
      this.begun++;
      const after = async (settle: () => void) => {
        settle();
        await vi.advanceTimersByTimeAsync(0);
      };
      this.under.push({
        works: () => after(resolve),
        fails: () => after(() => reject(new Error('no plan'))),
      });
    });
  next() {
    const trial = this.under.shift();
    if (!trial) throw new Error('no trial is under way');
    return trial;
  }
}

let trials: Trials;
let readiness: Readiness;
beforeEach(async () => {
  vi.useFakeTimers();
  trials = new Trials();
  readiness = new Readiness(trials.make);
});
afterEach(() => {
  readiness.close();
  vi.useRealTimers();
});
/** So much later than the last trial that another may begin. */
const later = () => vi.advanceTimersByTimeAsync(1000);

describe('whether plans can be made', () => {
  it('is shown by the first trial', async () => {
    expect(readiness.isReady).toBe(false);
    await trials.next().works();
    expect(readiness.isReady).toBe(true);
    const other = new Readiness(trials.make);
    await trials.next().fails();
    await expect(other.first).rejects.toThrow('no plan');
    expect([other.isReady, other.wasReady]).toEqual([false, false]);
  });

  it("is not in question while a trial looks into one robot's failure", async () => {
    await trials.next().works();
    await later();
    readiness.doubt();
    expect([readiness.isReady, trials.begun]).toEqual([true, 2]);
    await trials.next().works();
    expect(readiness.isReady).toBe(true);
  });

  it('ends when the trial fails too, and comes back with the next trial that works', async () => {
    await trials.next().works();
    await later();
    readiness.doubt();
    await trials.next().fails();
    expect([readiness.isReady, readiness.wasReady]).toEqual([false, true]);
    await later();
    expect(trials.begun, 'nobody asks').toBe(2);
    readiness.retry();
    expect(readiness.isReady).toBe(false);
    await trials.next().works();
    expect(readiness.isReady).toBe(true);
  });

  it("comes back with a robot's plan, which counts for more than a trial of the same time", async () => {
    await trials.next().works();
    await later();
    readiness.doubt();
    await trials.next().fails();
    readiness.planned();
    expect(readiness.isReady).toBe(true);
    await later();
    readiness.doubt();
    readiness.planned();
    await trials.next().fails();
    expect(readiness.isReady).toBe(true);
  });

  it('is tried once a second at most, and again after a failure during a trial', async () => {
    await trials.next().works();
    for (let i = 0; i < 5; i++) readiness.doubt();
    expect(trials.begun).toBe(1);
    await later();
    expect(trials.begun).toBe(2);
    readiness.doubt();
    await trials.next().works();
    await later();
    expect(trials.begun).toBe(3);
    await trials.next().works();
    await later();
    expect(trials.begun, 'no doubt is left').toBe(3);
    readiness.close();
    readiness.doubt();
    await later();
    expect(trials.begun, 'closed').toBe(3);
  });
});
