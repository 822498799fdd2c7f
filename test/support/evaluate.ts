import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { LedgerLine } from '../../src/evaluate/ledger/ledgerLine.ts';

/** A folder for one test file, gone afterwards. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'valet-evaluate-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A ledger line as a finished episode leaves it. */
export function ledgerLine(changes: Partial<LedgerLine> = {}): LedgerLine {
  return {
    task: 'turning_on_radio',
    instance: 0,
    rollout: 0,
    state: 'done',
    attempt: 1,
    worker: 0,
    started: '2026-01-01T00:00:00.000Z',
    seconds: 1,
    q: 0.5,
    success: false,
    steps: 100,
    maxSteps: 400,
    distance: { base: 1, left: 2, right: 4 },
    goal: [{ text: 'toggled_on(radio)', initial: false, value: false }],
    plans: 5,
    ...changes,
  };
}
