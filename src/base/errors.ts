/** What went wrong, for the exit code: `input` = wrong use or bad input (2), `failure` = the work itself failed (1), `interrupted` = stopped with the state saved (130). */
export type ErrorKind = 'input' | 'failure' | 'interrupted';

/**
 * The one error that Valet throws on purpose. The message reads `where: what was wrong (got …, expected …). What to do.`
 * Each layer boundary may subclass it; the command line turns `kind` into the exit code and prints no stack.
 */
export class ValetError extends Error {
  override name = 'ValetError';
  constructor(
    readonly where: string,
    what: string,
    readonly kind: ErrorKind = 'failure',
    options?: ErrorOptions,
  ) {
    super(`${where}: ${what}`, options);
  }
}

/** Bad input at a door: a flag, a file, a message, a configuration. Exit code 2. */
export class InputError extends ValetError {
  override name = 'InputError';
  constructor(where: string, what: string, options?: ErrorOptions) {
    super(where, what, 'input', options);
  }
}

/** A command or option that the contract names but that is not built yet. */
export class NotBuiltError extends ValetError {
  override name = 'NotBuiltError';
  constructor(where: string, what: string) {
    super(where, `not built yet: ${what}.`, 'failure');
  }
}

/** The candidate nearest to `name` by edit distance, or undefined when none is close; for "Did you mean …?". */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 2)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
