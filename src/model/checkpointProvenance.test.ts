import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../base/index.ts';
import { checkpointDigest } from './checkpointDigest.ts';
import { checkpointProvenance } from './checkpointProvenance.ts';

let folder: string;
beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'valet-provenance-')), 'copy');
  await cp(join(packageRoot(), 'policies/household'), folder, { recursive: true });
});
afterAll(() => rm(join(folder, '..'), { recursive: true }));

it('says which weights and statistics, and how they were chosen', async () => {
  const shipped = await checkpointProvenance('household');
  expect(await checkpointProvenance(folder)).toEqual(shipped);
  expect(shipped.hash).toBe(await checkpointDigest('household'));
  const statistics = join(folder, 'assets/household/norm_stats.json');
  expect(shipped.statistics).toBe(
    createHash('sha256')
      .update(await readFile(statistics))
      .digest('hex'),
  );
  expect(shipped.ownStatistics).toBe(true);
  expect(shipped.selection).toMatch(/on 20 train instances of each task/);
  await writeFile(join(folder, 'card.json'), '{"step": 7}');
  const unsaid = { ownStatistics: null, selection: expect.stringMatching(/not stated.*7/) };
  expect(await checkpointProvenance(folder)).toEqual({ ...shipped, ...unsaid });
  await writeFile(statistics, '{}');
  const changed = await checkpointProvenance(folder);
  expect(changed.hash).not.toBe(shipped.hash);
  expect(changed.statistics).not.toBe(shipped.statistics);
});
