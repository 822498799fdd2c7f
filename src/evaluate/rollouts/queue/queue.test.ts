import { expect, it } from 'vitest';
import { requireVersions } from '../../../base/index.ts';
import { evaluationVersions } from '../../ledger/index.ts';
import { withoutSecrets } from '../policySpec.ts';
import { rolloutHandler } from './rolloutHandler.ts';
import { parseRolloutResult } from './rolloutJob.ts';

// With processes, a Redis, and all of them killed: npm run interop -- queue.
const result = {
  episode: { q: 1, success: true, steps: 3, maxSteps: 9, distance: { base: 0, left: 0, right: 0 }, plans: 1, goal: [] },
  played: { worker: 0, host: 'h', started: '2026-01-01T00:00:00.000Z', seconds: 1 },
  cpu: 'c',
};

it('takes what a worker gives, and no file outside of a recording', () => {
  const whole = { ...result, files: { 'steps.jsonl': 'e30K', 'frames/0.png': 'AAAA' } };
  expect(parseRolloutResult('job', whole)).toBe(whole);
  for (const path of ['../evil', '/etc/evil', 'a/../../evil', 'a\\b', '.hidden', 'frames/.x', 'a/b/c'])
    expect(() => parseRolloutResult('job', { ...result, files: { [path]: 'AAAA' } }), path).toThrow(/job: /);
  expect(() => parseRolloutResult('job', { ...result, episode: { q: 'high' } })).toThrow(/job: episode/);
});

it('a worker of another version says which one it has', () => {
  expect(() => requireVersions({ valet: '1', mujoco: '3' }, { valet: '2', mujoco: '3' })).toThrow(
    /it has valet 2 \(expected 1\)\. Install the version/,
  );
  requireVersions({ valet: '1' }, { valet: '1' });
});

it('a key stays where it is, and a worker refuses a policy that it has not', async () => {
  const url = 'ws://127.0.0.1:8000';
  expect(withoutSecrets({ kind: 'remote', url, apiKey: 'secret' })).toEqual({ kind: 'remote', url });
  const handler = rolloutHandler({ checkpoints: [] });
  const run = {
    policy: { kind: 'checkpoint', folder: '/elsewhere/policy' },
    content: { kind: 'checkpoint', files: { 'config.json': '0' } },
    versions: evaluationVersions(),
    seeds: ['0'],
    imageSize: 64,
    record: false,
    title: 'a policy',
  };
  await expect(handler(run, 1)).rejects.toThrow(/\/elsewhere\/policy is not here with the content/);
});
