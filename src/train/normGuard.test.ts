import { describe, expect, it } from 'vitest';
import { NormGuard } from './normGuard.ts';

const rule = { explosion: 'skip', factor: 10, window: 8 } as const;

describe('the largest norm of an update', () => {
  it('is a multiple of the running median, once enough norms are known', () => {
    const guard = new NormGuard(rule);
    guard.add(1);
    expect(guard.limit).toBeUndefined();
    guard.add(3);
    expect(guard.limit).toBe(30);
    for (const norm of [2, 2, 2]) guard.add(norm);
    expect(guard.limit).toBe(20);
    for (let i = 0; i < 8; i++) guard.add(5);
    expect([guard.limit, guard.state.length]).toEqual([50, 8]);
  });

  it('is the same when a run goes on', () => {
    const guard = new NormGuard(rule);
    for (let i = 0; i < 20; i++) guard.add(1 + ((i * 7) % 5));
    expect(new NormGuard(rule, JSON.parse(JSON.stringify(guard.state))).limit).toBe(guard.limit);
  });

  it('does not exist when that is off', () => {
    expect(new NormGuard({ ...rule, explosion: 'off' }, [1, 2, 3, 4]).limit).toBeUndefined();
  });
});
