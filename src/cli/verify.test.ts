import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { countVerdicts, type Verdict } from '../verify/index.ts';
import { command, report } from './verify.ts';

describe('valet verify', () => {
  it('prints a table, and below a failed case what is off and where', () => {
    const about = { case: 'tiny', kind: 'network' };
    const verdicts: Verdict[] = [
      { ...about, quantity: 'velocity', error: 1e-7, tolerance: 1e-5, pass: true },
      {
        ...about,
        quantity: 'prefix_out',
        error: 0.25,
        tolerance: 1e-5,
        pass: false,
        worst: { index: [1, 2], got: 1, expected: 2 },
        message: '[1, 2]: got 1, expected 2',
      },
      {
        case: 'other',
        kind: 'fast',
        quantity: 'ids',
        error: null,
        tolerance: null,
        pass: null,
        message: 'kind fast is not built',
      },
    ];
    expect(report(verdicts, countVerdicts(verdicts), 3).split('\n')).toEqual([
      'case   kind     passed  failed  unknown',
      'tiny   network       1       1        0',
      '  ✗ prefix_out error 2.5e-1 > 0.00001: [1, 2]: got 1, expected 2',
      'other  fast          0       0        1',
      '  ? kind fast is not built',
      '1 passed, 1 failed, 1 unknown in 3 s',
      '',
    ]);
  });

  it.each([
    ['stages', 2, 0],
    ['wire', 6, 0],
  ])('with --json prints one line per quantity and the counts: %s', async (name, passed, unknown) => {
    const lines: string[] = [];
    const write = process.stdout.write;
    process.stdout.write = ((text: string) => lines.push(text) > 0) as typeof write;
    process.exitCode = undefined;
    try {
      const folder = join(import.meta.dirname, '../../test/golden', name);
      await command().parseAsync([folder, '--json', '--quiet'], { from: 'user' });
      expect(process.exitCode ?? 0).toBe(0);
    } finally {
      process.stdout.write = write;
      process.exitCode = undefined;
    }
    const values = lines.map((line) => JSON.parse(line));
    expect(values.at(-1)).toEqual({ passed, failed: 0, unknown });
    expect(values.length).toBe(passed + unknown + 1);
    expect(Object.keys(values[0])).toEqual(['case', 'kind', 'quantity', 'error', 'tolerance', 'pass']);
  });
});
