import { ValetError } from '../src/base/index.ts';

/** The file that this process runs: what measures in a process of its own starts it again. */
export function ownProgram(): string {
  const [, program] = process.argv;
  if (program === undefined)
    throw new ValetError('bench', 'this process runs no file, so it cannot start itself again.');
  return program;
}
