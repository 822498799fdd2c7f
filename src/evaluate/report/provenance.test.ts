import { expect, it } from 'vitest';
import type { RunFile } from '../ledger/index.ts';
import { provenanceOf } from './provenance.ts';

const run: RunFile = {
  fingerprint: {
    policy: { kind: 'remote', url: 'ws://h:1' },
    seed: '0,1',
    maxSteps: null,
    edition: '2025',
    perturb: [],
    versions: { valet: '0' },
  },
  tasks: [],
  instances: [],
  started: '2026-01-01T00:00:00.000Z',
  node: 'v20',
};
const code = { version: '1', commit: 'abc' };

it('names code, weights, statistics, the choice and the seeds, and says what nobody told', () => {
  const checkpoint = { hash: 'h', statistics: 's', ownStatistics: true, selection: 'the newest' };
  expect(Object.fromEntries(provenanceOf({ ...run, code, server: code, checkpoints: [checkpoint] }))).toEqual({
    code: 'Valet 1, commit abc',
    'code of the server': 'Valet 1, commit abc',
    'checkpoint (SHA-256)': 'h',
    'statistics (SHA-256)': 's, which it was trained with',
    'how it was chosen': 'the newest',
    seeds: '0,1',
    'version of valet': '0',
  });
  const statisticsOf = (ownStatistics: boolean | null) =>
    Object.fromEntries(provenanceOf({ ...run, checkpoints: [{ ...checkpoint, ownStatistics }] }))[
      'statistics (SHA-256)'
    ];
  expect(statisticsOf(false)).toMatch(/NOT those that it was trained with/);
  expect(statisticsOf(null)).toMatch(/not recorded/);
  expect(Object.fromEntries(provenanceOf(run))).toMatchObject({
    code: 'not recorded',
    'code of the server': 'the server does not say',
    checkpoint: 'not told',
  });
});
