import { ValetError } from './errors.ts';

/** A call of one of a worker's methods. */
export interface Call {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

/** Nobody waits for a call's answer any more. */
export interface Abandon {
  readonly abandon: number;
}

/** The worker is to end: it begins nothing new, and ends its own workers. */
export interface Stop {
  readonly stop: true;
}

/** What an error of the operating system says beside its message. */
interface SystemFields {
  readonly code: string | undefined;
  readonly syscall: string;
  readonly path: string | undefined;
}

export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly where?: string;
  readonly kind?: string;
  readonly system?: SystemFields | undefined;
}

export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: SentError;
}

/** An error as a message can carry it. */
export function sentError(error: unknown): SentError {
  const { name, message, stack, where, kind } = error as ValetError;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  return { name, message, stack, where, kind, system: syscall ? { code, syscall, path } : undefined };
}

/** The error that `sentError` sent. */
export function revive({ message, stack, where, kind, system }: SentError): Error {
  const prefix = `${where}: `;
  const error = where
    ? new ValetError(where, message.startsWith(prefix) ? message.slice(prefix.length) : message, kind as never)
    : Object.assign(new Error(message), system);
  if (stack) error.stack = stack;
  return error;
}
