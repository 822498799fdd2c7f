import { WorkerClient } from '../../base/index.ts';
import type { Unit } from '../ledger/index.ts';
import type { EpisodeResult } from './episode.ts';
import type { WorkerSettings } from './rollout.worker.ts';
import type { Runner } from './runner.ts';

/** A runner in a thread of its own. */
export async function startWorkerRunner(settings: WorkerSettings): Promise<Runner> {
  const worker = WorkerClient.start('evaluate/rollouts/rollout.worker', settings);
  try {
    return {
      notices: await worker.call<readonly string[]>('open'),
      run: (unit: Unit, signal) => worker.call<EpisodeResult>('run', unit, { signal }),
      close: async () => {
        try {
          await worker.call('close');
        } finally {
          await worker.close();
        }
      },
    };
  } catch (error) {
    await worker.close();
    throw error;
  }
}
