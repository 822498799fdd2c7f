import { describe, expect, it } from 'vitest';
import { InputError } from '../../base/index.ts';
import { instanceIds, refuseHidden, splitOf } from './instances.ts';

describe('instances', () => {
  it('never overlap between splits', () => {
    expect(instanceIds('public', 10_000).at(-1)).toBe(9_999);
    expect(instanceIds('hidden', 2)).toEqual([10_000, 10_001]);
    expect(instanceIds('train', 2, 5)).toEqual([1_000_005, 1_000_006]);
    expect(() => instanceIds('public', 2, 9_999)).toThrow(InputError);
  });

  it('of the hidden split serve no choice', () => {
    expect(() => refuseHidden('choose', [0, 1_000_000, 9_999], 'Take others.')).not.toThrow();
    expect(() => refuseHidden('choose', [3, 10_004], 'Take others.')).toThrow(
      /instance 10004 of the hidden split .*serve no choice. Take others/,
    );
  });

  it('belong to one split or are refused', () => {
    expect([0, 9_999, 10_000, 1_000_000].map(splitOf)).toEqual(['public', 'public', 'hidden', 'train']);
    for (const none of [-1, 20_000, 999_999, 1.5, Number.NaN]) expect(() => splitOf(none)).toThrow(InputError);
  });
});
