import { ValetError, WorkerClient } from '../../base/index.ts';
import type { Unit } from '../ledger/index.ts';
import type { TaskPace } from './course.ts';
import type { WorkerSettings } from './rollout.worker.ts';
import type { Attempt, Runner } from './runner.ts';

/** How many threads in a row may die over one unit. */
const LIVES = 3;

/** A thread that makes rollouts. */
export type RolloutThread = Pick<WorkerClient, 'call' | 'close' | 'isDead'>;

const startThread = (settings: WorkerSettings): RolloutThread =>
  WorkerClient.start('evaluate/rollouts/rollout.worker', settings);

/**
 * A runner in a thread of its own. When the thread dies, another one plays the unit from its beginning.
 * @param start starts a thread
 */
export async function startWorkerRunner(settings: WorkerSettings, start = startThread): Promise<Runner> {
  let { thread, notices } = await open(start(settings));
  let closed = false;
  return {
    notices,
    async run(unit: Unit, signal) {
      for (let lives = LIVES; ; lives--) {
        try {
          return await thread.call<Attempt>('run', unit, { signal });
        } catch (error) {
          if (!thread.isDead || closed || signal?.aborted) throw error;
          if (lives === 1)
            throw new ValetError('evaluate', `${LIVES} threads died over one episode: ${(error as Error).message}`);
          ({ thread, notices } = await open(start(settings)));
        }
      }
    },
    ...(settings.policy.kind !== 'remote' && {
      pace: (unit: Unit, signal?: AbortSignal) => thread.call<TaskPace>('pace', unit, { signal }),
    }),
    close: async () => {
      closed = true;
      try {
        if (!thread.isDead) await thread.call('close');
      } finally {
        await thread.close();
      }
    },
  };
}

async function open(thread: RolloutThread): Promise<{ thread: RolloutThread; notices: readonly string[] }> {
  try {
    return { thread, notices: await thread.call<readonly string[]>('open') };
  } catch (error) {
    await thread.close();
    throw error;
  }
}
