import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { flatStatistics } from '../../test/support/model.ts';
import { writeNormStats } from '../action/index.ts';
import { statisticsHash, statisticsOrigin } from './ownStatistics.ts';

let folder: string;
let file: string;
const stats = flatStatistics(4, 8, 5);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-own-'));
  file = join(folder, 'norm_stats.json');
});
afterAll(() => rm(folder, { recursive: true }));

it('statistics are recognised by their file, and by their numbers however they are written', async () => {
  await writeNormStats(file, stats);
  const bytes = await readFile(file);
  expect(statisticsHash(stats)).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(await statisticsOrigin(file, statisticsHash(stats), {})).toEqual({ own: true });
  await writeFile(file, JSON.stringify({ note: 'by hand', ...JSON.parse(bytes.toString()) }, null, 2));
  expect(await statisticsOrigin(file, statisticsHash(stats), {})).toEqual({ own: true });
  expect(await statisticsOrigin(file, undefined, {})).toMatchObject({
    own: null,
    note: expect.stringMatching(/does not record/),
  });
});

it('one number that is another makes others of them: refused, or let through and said', async () => {
  const other = flatStatistics(4, 8, 5);
  other.perTimestep.mean[7] = 1e-9;
  await writeNormStats(file, other);
  await expect(statisticsOrigin(file, statisticsHash(stats), {})).rejects.toThrow(
    /norm_stats.json: holds other statistics than .* trained with \(got SHA-256 \w{12}…, expected .*--other-statistics/,
  );
  const allowed = await statisticsOrigin(file, statisticsHash(stats), { otherStatistics: true });
  expect(allowed).toMatchObject({ own: false, note: expect.stringMatching(/as you allowed/) });
});
