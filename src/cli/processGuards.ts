import { endProcess } from '../base/index.ts';
import { tellError } from './shared/tellError.ts';

/**
 * What holds for every command as a process. The `valet` program calls it once, before anything else.
 * - SIGINT and SIGTERM end a command that does not look at signals itself with 130.
 * - An error that nothing caught is told, and ends it with 1 (2 for bad input).
 * - Whoever read the output may go away (`valet serve | head`): what would be written is dropped and the work goes on.
 *
 * None of them cuts a native call: that would abort the process.
 */
export function guardProcess(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) void endProcess(130);
    });
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => void endProcess(tellError(error)));
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
}
