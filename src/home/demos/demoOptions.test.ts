import { expect, it } from 'vitest';
import { checkDemoOptions } from './demoOptions.ts';

it('a window is longer than a chunk and no longer than any scene; others are refused with the bounds', () => {
  const demos = (change: object) => () =>
    checkDemoOptions({ tasks: ['turning_on_radio'], episodes: 1, out: 'demos', ...change });
  for (const clipSeconds of [1.1, 2.2, 600]) expect(demos({ clipSeconds }), String(clipSeconds)).not.toThrow();
  for (const clipSeconds of [1000, 1, 0, Number.NaN])
    expect(demos({ clipSeconds }), String(clipSeconds)).toThrow(
      `a clip lasts more than 1 second, the length of a chunk, and at most 600 seconds (got ${clipSeconds})`,
    );
  expect(demos({ episodes: 0 })).toThrow(/an integer from 1 on \(got 0\)/);
  expect(demos({ until: 4 })).toThrow(/until must be seconds above 0, for windows or corrections \(got 4\)/);
  expect(demos({ until: 4, clipSeconds: 2 })).not.toThrow();
  expect(demos({ seed: 1.5 })).toThrow(/an integer from 0 to 1000000 \(got 1.5\)/);
});
