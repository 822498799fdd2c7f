import type { Command } from 'commander';
import { atLeastZero } from './numbers.ts';

/** Adds `--wait` to a command that connects to a server. */
export function addWaitOption(command: Command): Command {
  return command.option(
    '--wait <seconds>',
    'how long to wait for a server that does not answer (about 5; later, when it goes away, 60)',
    atLeastZero,
  );
}

/** Lines come this often where no line can be written over. */
const LINE_EVERY_S = 10;

/** What `--wait` says, with a countdown on stderr. */
export function waiting({ wait, quiet = false }: { readonly wait?: number; readonly quiet?: boolean }) {
  let next = Number.POSITIVE_INFINITY;
  return {
    waitMs: wait === undefined ? undefined : 1000 * wait,
    onWait(what: string, secondsLeft: number) {
      if (quiet) return;
      const line = `waiting: ${what}; ${Math.ceil(secondsLeft)} s left`;
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}${secondsLeft < 0.5 ? '\n' : ''}`);
      else if (secondsLeft < next) {
        process.stderr.write(`${line}\n`);
        next = secondsLeft - LINE_EVERY_S;
      }
    },
  };
}
