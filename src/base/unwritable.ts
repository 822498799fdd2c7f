import { systemError } from './errors.ts';

/** The disk is full, or the user's share of it is. */
const FULL = ['ENOSPC', 'EDQUOT'];
/** Or it can no longer be written. */
const UNWRITABLE = [...FULL, 'EFBIG', 'EIO', 'EROFS', 'EACCES', 'EPERM'];

/** Whether an error, or what caused it, says that the disk takes nothing more. */
export const isUnwritable = (error: unknown): boolean => hasCode(error, UNWRITABLE);

/** Whether it says that the disk is full. */
export const isFull = (error: unknown): boolean => hasCode(error, FULL);

/** The error of a full disk, where a library says so in words of its own. */
export function fullError(path: string, cause: unknown): unknown {
  const error = Object.assign(new Error('no space left', { cause }), { code: 'ENOSPC', syscall: 'write' });
  return systemError(error, { where: path });
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (codes.includes((at as NodeJS.ErrnoException).code ?? '')) return true;
  return false;
}
