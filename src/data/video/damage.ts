import {
  AV_FRAME_FLAG_CORRUPT,
  AV_FRAME_FLAG_KEY,
  FF_DECODE_ERROR_CONCEALMENT_ACTIVE,
  FF_DECODE_ERROR_DECODE_SLICES,
  FF_DECODE_ERROR_INVALID_BITSTREAM,
  FF_DECODE_ERROR_MISSING_REFERENCE,
} from 'node-av/constants';
import type { Frame } from 'node-av/lib';

const MARKS: readonly [number, string][] = [
  [FF_DECODE_ERROR_INVALID_BITSTREAM, 'its bits are invalid'],
  [FF_DECODE_ERROR_MISSING_REFERENCE, 'a frame that it refers to is missing'],
  [FF_DECODE_ERROR_DECODE_SLICES, 'a part of it could not be decoded'],
  [FF_DECODE_ERROR_CONCEALMENT_ACTIVE, 'the decoder made up what was missing'],
];

/** What the decoder says is wrong with a frame that it gave out; undefined for a whole one. */
export function markOf({ flags, decodeErrorFlags }: Frame): string | undefined {
  const marks = MARKS.flatMap(([flag, text]) => ((decodeErrorFlags & flag) !== 0 ? [text] : []));
  if (marks.length > 0) return marks.join(', ');
  return decodeErrorFlags !== 0 || (flags & AV_FRAME_FLAG_CORRUPT) !== 0 ? 'the decoder marks it so' : undefined;
}

/** Whether nothing before the frame is needed to decode it and those after it. */
export const isKeyFrame = ({ flags }: Frame): boolean => (flags & AV_FRAME_FLAG_KEY) !== 0;
