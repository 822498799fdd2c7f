import { describe, expect, it } from 'vitest';
import { studies } from '../../../test/support/studies.ts';
import { Random } from '../../base/index.ts';
import { sequentialTest } from './betting.ts';

describe('sequentialTest', () => {
  it('decides for the better one, and the interval lies on its side', () => {
    const test = sequentialTest();
    while (!test.verdict && test.count < 100) test.add(1);
    expect(test.verdict).toBe('b');
    expect(test.count).toBeLessThan(12);
    expect(test.interval().low).toBeGreaterThanOrEqual(0);
    const other = sequentialTest();
    while (!other.verdict && other.count < 100) other.add(-0.5);
    expect(other.verdict).toBe('a');
    expect(() => other.add(1.5)).toThrow(/expected -1 to 1/);
  });

  it('needs no candidate but 0 for its verdict', () => {
    const random = Random.of('candidates');
    for (const shift of [-0.2, 0, 0.3])
      for (let study = 0; study < 5; study++) {
        const [whole, alone] = [sequentialTest(), sequentialTest(0, [0])];
        for (let i = 0; i < 150; i++) {
          const difference = Math.max(-1, Math.min(1, shift + random.normal() / 3));
          for (const test of [whole, alone]) test.add(difference);
          expect(alone.verdict).toBe(whole.verdict);
        }
      }
  });

  it('with a margin may end with "alike"', () => {
    const random = Random.of('alike');
    const test = sequentialTest(0.2);
    while (!test.verdict && test.count < 2000) test.add(0.3 * Math.sign(random.uniform() - 0.5));
    expect(test.verdict).toBe('alike');
    expect(sequentialTest(0).verdict).toBeUndefined();
  });

  it('errs in at most 5 of 100 studies of equal policies, though it is looked at after every pair', () => {
    const random = Random.of('level');
    let wrong = 0;
    for (const { differences } of studies({ tasks: 1, pairs: 100, ties: 0.3, apart: false }, 200, random)) {
      const test = sequentialTest();
      for (const difference of differences[0] ?? []) {
        test.add(difference);
        if (test.verdict) break;
      }
      if (test.verdict) wrong++;
    }
    expect(wrong / 200).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / 200));
  });
});
