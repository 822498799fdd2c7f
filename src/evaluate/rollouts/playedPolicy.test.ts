import { expect, it } from 'vitest';
import { checkpointFolder } from '../../model/index.ts';
import type { RunFile } from '../ledger/index.ts';
import { playedPolicy } from './playedPolicy.ts';
import { describePolicy, type PolicySpec } from './policySpec.ts';

const written = async (spec: PolicySpec) => {
  const { policy } = await describePolicy(spec);
  return { fingerprint: { policy: JSON.parse(JSON.stringify(policy)) } } as RunFile;
};

it('has a policy again from its description, and describes the same one', async () => {
  const folder = checkpointFolder('household');
  const specs: PolicySpec[] = [
    { kind: 'hold' },
    { kind: 'nearest', demonstrations: 3 },
    { kind: 'replay' },
    { kind: 'remote', url: 'ws://127.0.0.1:1', chunkSize: 10 },
    { kind: 'checkpoint', folder, planner: { samplingSteps: 3, precision: 'float16' }, session: { compress: false } },
  ];
  for (const spec of specs) {
    const run = await written(spec);
    const again = playedPolicy('a folder', run);
    expect(await written(again)).toEqual(run);
    expect(again).toMatchObject(spec);
  }
  expect(playedPolicy('a folder', await written(specs[3]!), 'a key')).toMatchObject({ apiKey: 'a key' });
});

it('refuses a policy that lives elsewhere', () => {
  const run = (kind: string) => ({ fingerprint: { policy: { kind } } }) as unknown as RunFile;
  expect(() => playedPolicy('results', run('official'))).toThrow(/results: cannot be played on.*official/);
  expect(() => playedPolicy('results', run('program'))).toThrow(/program/);
});
