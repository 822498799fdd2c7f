import { systemError, ValetError } from '../../base/index.ts';
import { shownPlaces } from '../../data/index.ts';

/**
 * Tells on stderr what went wrong, in a line for errors that are meant for a person. @param where what stands before it
 * @returns the exit code: 1 failed, 2 wrong use or bad input, 130 interrupted
 */
export function tellError(thrown: unknown, where = ''): number {
  const error = systemError(thrown) ?? thrown;
  if (error instanceof ValetError) {
    process.stderr.write(`${where}${shownPlaces(error.message)}\n`);
    return error.kind === 'input' ? 2 : error.kind === 'interrupted' ? 130 : 1;
  }
  process.stderr.write(`${where}${(error as Error).stack ?? error}\n`);
  return 1;
}
