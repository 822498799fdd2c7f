import { InputError } from '../../base/index.ts';
import type { ValueSpec } from './types.ts';

/** A program that cannot be built or run as asked: wrong shapes, types, names. */
export class TensorError extends InputError {
  override name = 'TensorError';
}

/** `float32 [batch=8, 32]`: type, shape and axis names as error messages show them. */
export function describe(value: Omit<ValueSpec, 'name'> & { name?: string }): string {
  const lengths = value.shape.map((length, axis) =>
    value.axes?.[axis] ? `${value.axes[axis]}=${length}` : `${length}`,
  );
  return `${value.dtype} [${lengths.join(', ')}]`;
}

const here = new URL('..', import.meta.url).href; // this layer

/** `file:line` of the nearest caller outside this layer, read off the stack at the moment of an error. */
function callingLine(): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 60;
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = stackTraceLimit;
  for (const frame of frames) {
    const place = /\(?((?:file:\/\/)?\/[^()]+:\d+):\d+\)?$/.exec(frame.trim())?.[1];
    if (!place || place.includes('node:')) continue;
    const url = place.startsWith('file:') ? place : `file://${place}`;
    if (url.startsWith(here) && !/\.test\.ts:\d+$/.test(url)) continue;
    return ` At ${url.replace('file://', '').split('/').slice(-3).join('/')}.`;
  }
  return '';
}

/** The error of an op: names the op, says what was wrong and where it was called. */
export function opError(op: string, what: string): TensorError {
  return new TensorError(op, `${what}${callingLine()}`);
}
