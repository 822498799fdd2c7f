import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { checkpointFolder, importCheckpoint } from '../../model/index.ts';
import { evaluate } from './evaluate.ts';
import { describePolicy, type PolicySpec } from './policySpec.ts';

const root = await temporaryFolder();

it('the threads of a checkpoint are part of what it is, where they are not one', async () => {
  const folder = checkpointFolder('household');
  const words = async (threads?: number) =>
    (await describePolicy({ kind: 'checkpoint', folder, ...(threads !== undefined && { threads }) })).policy;
  expect(await words(1)).toEqual(await words());
  expect(await words(2)).toEqual({ ...(await words()), threads: 2 });
});

it('an evaluation is not gone on with when a file of its checkpoint has changed', {
  timeout: 120_000,
}, async () => {
  const folder = join(root, 'int8');
  await importCheckpoint(checkpointFolder('household'), folder, { dtype: 'int8', threads: 1 });
  const policy: PolicySpec = { kind: 'checkpoint', folder };
  const options = { policy, tasks: ['turning_on_radio'], instances: [0], maxSteps: 1, silent: true, record: false };
  const out = join(root, 'out');
  await evaluate({ ...options, out });
  const files = ['int8.safetensors', 'params.safetensors', 'config.json'];
  for (const file of files) {
    const path = join(folder, file);
    const bytes = await readFile(path);
    // A digit of a number, or a bit of a weight.
    const changed = file.endsWith('.json')
      ? Buffer.from(bytes.toString().replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10)))
      : Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) as number) ^ 1)]);
    await writeFile(path, changed);
    await expect(evaluate({ ...options, out, resume: true }), file).rejects.toThrow(
      new RegExp(`begun with another policy\\.files\\.${file.replaceAll('.', '\\.')}`),
    );
    await writeFile(path, bytes);
  }
  expect(await evaluate({ ...options, out, resume: true })).toMatchObject({ episodes: 1 });
});
