import { ValetError } from '../../base/index.ts';

/**
 * Runs work that stops at Ctrl-C or SIGTERM: it gets a signal to watch, and cleans up before the command ends with exit
 * code 130.
 */
export async function interruptible<T>(
  where: string,
  work: (signal: AbortSignal) => Promise<T>,
  left = 'nothing was left behind',
): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort(new ValetError(where, `interrupted; ${left}.`, 'interrupted'));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
