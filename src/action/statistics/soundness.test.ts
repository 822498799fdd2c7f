import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { flatStatistics } from '../../../test/support/model.ts';
import { parseNormStats, writeNormStats } from './normStats.ts';

const folder = mkdtempSync(join(tmpdir(), 'valet-sound-'));
const file = join(folder, 'norm_stats.json');
await writeNormStats(file, flatStatistics(3, 4, 4));
const text = readFileSync(file, 'utf8');
rmSync(folder, { recursive: true });
// biome-ignore lint/suspicious/noExplicitAny: a file's content, to be damaged
type Content = any;

it.each<[string, (stats: Content) => void, RegExp]>([
  ['a negative deviation', ({ state }) => (state.std[2] = -1), /state: std is negative \(got -1 at 2\)/],
  [
    'a negative deviation of a step',
    ({ actions }) => (actions.per_timestamp_std[1][0] = -0.1),
    /per_timestamp: std is negative \(got -0\.1 at 4\)/,
  ],
  [
    'mean and std swapped',
    ({ actions: a }) => ([a.mean, a.std] = [a.std, [-0.1, 0, 0, 0]]),
    /actions: std is negative.*swapped/,
  ],
  ['quantiles swapped', ({ state: s }) => ([s.q01, s.q99] = [s.q99, s.q01]), /state: q01 lies above q99/],
  [
    'quantiles of the steps swapped',
    ({ actions: a }) => ([a.per_timestamp_q01, a.per_timestamp_q99] = [a.per_timestamp_q99, a.per_timestamp_q01]),
    /per_timestamp: q01 lies above q99 \(got 1 and -1 at 0\)/,
  ],
  ['another width', ({ state }) => state.mean.pop(), /wrong (length|shape)/],
])('%s is refused where it is read', (_, damage, message) => {
  const content = JSON.parse(text);
  damage(content.norm_stats);
  expect(() => parseNormStats('file', JSON.stringify(content))).toThrow(message);
});

it('infinity is no number', () => {
  expect(() =>
    parseNormStats('file', text.replace('"per_timestamp_mean":[[0', '"per_timestamp_mean":[[1e999')),
  ).toThrow(/no number/);
});
