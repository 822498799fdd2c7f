import { workerData } from 'node:worker_threads';
import { answerCalls, present } from '../../base/index.ts';
import type { Unit } from '../ledger/index.ts';
import { openPolicy } from './policySource.ts';
import type { PolicySpec } from './policySpec.ts';
import { openRunner, type RolloutSettings, type Runner } from './runner.ts';

/** What a worker is started with. */
export interface WorkerSettings extends RolloutSettings {
  readonly policy: PolicySpec;
  readonly imageSize: number;
  /** Episodes under way at a time, each in a household of its own (1). One network plans for all of them. */
  readonly environments?: number | undefined;
}

/** One of a worker's environments is to play something. */
export interface EnvironmentCall {
  /** From 0. */
  readonly environment: number;
  readonly unit: Unit;
}

const { policy, imageSize, environments = 1, ...settings } = workerData as WorkerSettings;

interface Opened {
  readonly runners: readonly Runner[];
  close(): Promise<void>;
}
let opened: Promise<Opened> | undefined;
const open = () => (opened ??= start());
async function start(): Promise<Opened> {
  const source = await openPolicy(policy, imageSize, environments);
  const leftOpen = { ...source, close: async () => {} };
  const runners = Array.from({ length: environments }, () => openRunner(leftOpen, settings));
  const close = async () => {
    for (const runner of runners) await runner.close();
    await source.close();
  };
  return { runners, close };
}
const runnerOf = async (environment: number): Promise<Runner> =>
  present((await open()).runners[environment], `environment ${environment}`);

answerCalls(
  {
    open: async () => (await runnerOf(0)).notices,
    run: async ({ environment, unit }: EnvironmentCall, signal) => (await runnerOf(environment)).run(unit, signal),
    pace: async ({ environment, unit }: EnvironmentCall, signal) => (await runnerOf(environment)).pace?.(unit, signal),
    close: async () => (await opened)?.close(),
  },
  { sideBySide: true },
);
