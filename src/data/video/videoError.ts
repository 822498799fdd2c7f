import { constants } from 'node:os';
import { AV_LOG_FATAL } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { fullError, InputError } from '../../base/index.ts';

// libav's own lines on stderr say nothing that the errors do not.
Log.setLevel(AV_LOG_FATAL);

/** What goes wrong with one video file; the message names the file. */
export class VideoError extends InputError {
  override name = 'VideoError';
}

/** libav hands on what the system says. */
const NO_SPACE = -constants.errno.ENOSPC;

/** @throws VideoError when a call of libav returned an error code; ValetError when that says that the disk is full */
export function check(path: string, code: number, what: string): void {
  if (code === NO_SPACE) throw fullError(path, new Error(what));
  if (code < 0) throw new VideoError(path, `${what} failed (libav code ${code}). The file may be damaged.`);
}
