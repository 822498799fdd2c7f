import { AV_LOG_FATAL } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { InputError } from '../../base/index.ts';

// libav's own lines on stderr say nothing that the errors do not.
Log.setLevel(AV_LOG_FATAL);

/** What goes wrong with one video file; the message names the file. */
export class VideoError extends InputError {
  override name = 'VideoError';
}

/** @throws VideoError when a call of libav returned an error code */
export function check(path: string, code: number, what: string): void {
  if (code < 0) throw new VideoError(path, `${what} failed (libav code ${code}). The file may be damaged.`);
}
