import { workerData } from 'node:worker_threads';
import { answerCalls } from '../../base/index.ts';
import type { Unit } from '../ledger/index.ts';
import { openRunner, type Runner, type RunnerSettings } from './runner.ts';

let runner: Promise<Runner> | undefined;
const open = () => (runner ??= openRunner(workerData as RunnerSettings));

answerCalls({
  open: async () => void (await open()),
  run: async (unit: Unit) => (await open()).run(unit),
  close: async () => void (await (await runner)?.close()),
});
