/**
 * What went wrong, for the exit code: `input` = wrong use or bad input (2), `failure` = the work itself failed (1),
 * `interrupted` = stopped with the state saved (130).
 */
export type ErrorKind = 'input' | 'failure' | 'interrupted';

/**
 * The one error that Valet throws on purpose. The message reads
 * `where: what was wrong (got …, expected …). What to do.` Each layer boundary may subclass it; the command line turns
 * `kind` into the exit code and prints no stack.
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

/** A server that cannot be reached, or a connection that ended: trying again later may help. */
export class UnreachableError extends ValetError {
  override name = 'UnreachableError';
}

/** What is wrong with encoded bytes; whoever knows the file turns it into an InputError that names it. */
export class FormatError extends Error {
  override name = 'FormatError';
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

/** Levenshtein's distance: letters put in, left out or exchanged. */
function editDistance(a: string, b: string): number {
  // From the letters of `a` so far to the first, second, … letter of `b`.
  const letters = [...b];
  let distances = letters.map((_, j) => j + 1);
  for (const [i, letter] of [...a].entries()) {
    let [left, diagonal] = [i + 1, i];
    distances = distances.map((above, j) => {
      left = Math.min(above + 1, left + 1, diagonal + (letter === letters[j] ? 0 : 1));
      diagonal = above;
      return left;
    });
  }
  return distances.at(-1) ?? [...a].length;
}

/** What the operating system refuses, in words, and what to do about it. */
const REFUSALS: Readonly<Record<string, readonly [what: string, kind: ErrorKind]>> = {
  ENOENT: ['is not there. Check the path.', 'input'],
  ENOTDIR: ['is a file, or lies below one (expected a folder). Check the path.', 'input'],
  EISDIR: ['is a folder (expected a file). Check the path.', 'input'],
  EEXIST: ['exists already. Choose another name or remove it first.', 'input'],
  EACCES: ['may not be read or written by this user. Check its permissions.', 'input'],
  EPERM: ['may not be read or written by this user. Check its permissions.', 'input'],
  EROFS: ['lies on a disk that cannot be written. Choose another place.', 'input'],
  ENAMETOOLONG: ['has a name that is too long. Choose a shorter one.', 'input'],
  ELOOP: ['is a link that leads back to itself. Check the path.', 'input'],
  ENOSPC: ['the disk is full. Nothing unfinished was kept; free some space or choose another disk.', 'failure'],
  EDQUOT: ["this user's share of the disk is full. Nothing unfinished was kept; free some space.", 'failure'],
  EMFILE: ['too many files are open. Raise the limit (ulimit -n).', 'failure'],
  EIO: ['the disk reports an error.', 'failure'],
};

/**
 * An error of the operating system as one of Valet's; undefined for any other error. It names the path that the system
 * names, or `where` for one that names none or lies below `inside` (a temporary folder that the user never sees).
 */
export function systemError(
  error: unknown,
  { where, inside }: { where?: string; inside?: string } = {},
): ValetError | undefined {
  const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return undefined;
  const refusal = REFUSALS[code];
  if (!refusal) return undefined;
  const [what, kind] = refusal;
  const at = path && !(inside && path.startsWith(inside)) ? path : where;
  return new ValetError(at || syscall, what, kind, { cause: error });
}

/**
 * A value that is there by the logic of the program: `present(map.get(key), 'the weight')`.
 * @throws ValetError that names what is missing: a mistake in Valet, not in what it was given
 */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === undefined || value === null)
    throw new ValetError('Valet', `${what} is missing. This is a mistake in Valet.`);
  return value;
}
