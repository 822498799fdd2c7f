import { ValetError, WorkerClient } from '../../base/index.ts';
import type { TaskPace } from './course.ts';
import type { EnvironmentCall, WorkerSettings } from './rollout.worker.ts';
import type { Attempt, Runner } from './runner.ts';

/** How many threads in a row may die over one unit. */
const LIVES = 3;

/** A thread that makes rollouts. */
export type RolloutThread = Pick<WorkerClient, 'call' | 'close' | 'isDead'>;

const startThread = (settings: WorkerSettings): RolloutThread =>
  WorkerClient.start('evaluate/rollouts/rollout.worker', settings);

interface OpenThread {
  readonly thread: RolloutThread;
  readonly notices: readonly string[];
}

/**
 * Opens the runners of one thread, at most as many as it has environments; the thread starts with the first and is
 * closed with the last. When it dies, another one plays their units from the beginning.
 * @param start starts a thread
 */
export function threadRunners(settings: WorkerSettings, start = startThread): () => Promise<Runner> {
  const { environments = 1 } = settings;
  let current: Promise<OpenThread> | undefined;
  const taken = new Set<number>();
  const open = () => (current ??= opened(start(settings)));

  const release = async (environment: number): Promise<void> => {
    taken.delete(environment);
    if (taken.size > 0 || !current) return;
    const last = current;
    current = undefined;
    const { thread } = await last;
    try {
      if (!thread.isDead) await thread.call('close');
    } finally {
      await thread.close();
    }
  };

  return async () => {
    const environment = Array.from({ length: environments }, (_, i) => i).find((one) => !taken.has(one));
    if (environment === undefined) throw new ValetError('evaluate', `a thread has ${environments} environments.`);
    taken.add(environment);
    let closed = false;
    const { notices } = await open().catch((error) => {
      taken.delete(environment);
      throw error;
    });
    return {
      notices,
      async run(unit, signal) {
        for (let lives = LIVES; ; lives--) {
          const mine = open();
          const { thread } = await mine;
          try {
            return await thread.call<Attempt>('run', { environment, unit } satisfies EnvironmentCall, { signal });
          } catch (error) {
            if (!thread.isDead || closed || signal?.aborted) throw error;
            if (lives === 1)
              throw new ValetError('evaluate', `${LIVES} threads died over one episode: ${(error as Error).message}`);
            // The first that notices starts the next one.
            if (current === mine) current = undefined;
          }
        }
      },
      ...(settings.policy.kind !== 'remote' && {
        async pace(unit, signal) {
          const { thread } = await open();
          const pace = await thread.call<TaskPace>('pace', { environment, unit }, { signal });
          // It had the thread to itself.
          return { ...pace, seconds: pace.seconds * environments };
        },
      }),
      async close() {
        if (closed) return;
        closed = true;
        await release(environment);
      },
    };
  };
}

async function opened(thread: RolloutThread): Promise<OpenThread> {
  try {
    return { thread, notices: await thread.call<readonly string[]>('open') };
  } catch (error) {
    await thread.close();
    throw error;
  }
}
