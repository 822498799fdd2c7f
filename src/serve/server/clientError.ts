import { ValetError } from '../../base/index.ts';
import { BusyError } from '../planners/index.ts';
import { PlanError } from './planError.ts';

/** Whose doing an error is. */
export type ClientErrorKind = 'input' | 'busy' | 'plan' | 'internal';

export function kindOf(error: Error): ClientErrorKind {
  if (error instanceof ValetError && error.kind === 'input') return 'input';
  if (error instanceof BusyError) return 'busy';
  return error instanceof PlanError ? 'plan' : 'internal';
}

/** What the client is told: no stack, no path, nothing of the machine. */
export function reasonFor(kind: ClientErrorKind, error: Error): string {
  if (kind === 'input') return withoutPaths(error.message);
  if (kind === 'busy') return 'too many plans wait already, try again later';
  return kind === 'plan' ? 'no plan could be made' : 'internal error';
}

/** The text with anything that looks like a path of this machine taken out. */
export function withoutPaths(text: string): string {
  return text.replace(/(?:[A-Za-z]:)?(?:[\\/][\w.@~-]+){2,}[\\/]?/g, '(path)');
}
