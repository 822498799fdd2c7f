import { workerData } from 'node:worker_threads';
import { answerCalls, whileWanted } from '../../base/index.ts';
import type { Unit } from '../ledger/index.ts';
import { openPolicy } from './policySource.ts';
import type { PolicySpec } from './policySpec.ts';
import { openRunner, type RolloutSettings, type Runner } from './runner.ts';

/** What a worker is started with. */
export interface WorkerSettings extends RolloutSettings {
  readonly policy: PolicySpec;
  readonly imageSize: number;
}

let runner: Promise<Runner> | undefined;
const open = () => (runner ??= start(workerData as WorkerSettings));
const start = async ({ policy, imageSize, ...settings }: WorkerSettings) =>
  openRunner(await openPolicy(policy, imageSize), settings);

answerCalls({
  open: async () => (await open()).notices,
  run: async (unit: Unit) => {
    const runner = await open();
    return whileWanted((signal) => runner.run(unit, signal));
  },
  pace: async (unit: Unit) => {
    const runner = await open();
    return whileWanted((signal) => runner.pace?.(unit, signal) ?? Promise.resolve(undefined));
  },
  close: async () => void (await (await runner)?.close()),
});
