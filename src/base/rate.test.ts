import { expect, it } from 'vitest';
import { Rate } from './rate.ts';

function clocked(done = 0) {
  let seconds = 100;
  const rate = new Rate(done, () => seconds);
  return {
    rate,
    /** After so many seconds so much is done. */
    after(wait: number, all: number) {
      seconds += wait;
      rate.at(all);
    },
  };
}

it('knows nothing before something is done, then the mean', () => {
  const { rate, after } = clocked();
  expect([rate.perSecond, rate.secondsLeft(10)]).toEqual([0, Number.NaN]);
  after(5, 1);
  expect(rate.perSecond).toBeCloseTo(1 / 5, 12);
  after(5, 3);
  expect(rate.perSecond).toBeCloseTo(3 / 10, 12);
  expect(rate.secondsLeft(6)).toBeCloseTo(10, 12);
  expect(rate.secondsLeft(2)).toBe(0);
});

it('does not count what an earlier run has done, told of at once or from the start', () => {
  const { rate, after } = clocked();
  after(0.2, 4000);
  after(9.8, 4010);
  expect(rate.perSecond).toBeCloseTo(10 / 9.8, 12);
  const resumed = clocked(4000);
  resumed.after(10, 4010);
  expect(resumed.rate.perSecond).toBeCloseTo(1, 12);
});

it('forgets how fast it went before the last minute, and before the last third of a long time', () => {
  const { rate, after } = clocked();
  // Cells that were played before go by fast, a while after the start.
  after(3, 9000);
  for (let second = 1; second <= 70; second++) after(1, 9000 + second);
  expect(rate.perSecond).toBeCloseTo(1, 1);
  // Slow units: some are always looked at.
  const slow = clocked();
  for (let unit = 1; unit <= 4; unit++) slow.after(300, unit);
  expect(slow.rate.perSecond).toBeCloseTo(1 / 300, 6);
  for (let unit = 5; unit <= 8; unit++) slow.after(100, unit);
  expect(slow.rate.perSecond).toBeGreaterThan(1 / 160);
});

it('keeps few readings however often it is told', () => {
  const { rate, after } = clocked();
  for (let i = 1; i <= 100_000; i++) after(0.01, i);
  expect(rate.perSecond).toBeCloseTo(100, 0);
  expect((rate as unknown as { readings: unknown[] }).readings.length).toBeLessThan(200);
});
