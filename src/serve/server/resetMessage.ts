import { InputError } from '../../base/index.ts';
import { NumpyArray, type WireMap, type WireValue } from '../../wire/index.ts';

/**
 * The robots that a reset is for: those named by `rows` (numbers from 0), or true in a `reset` of one truth value a
 * robot; undefined for all of them.
 * @throws InputError for rows that the session does not have
 */
export function rowsToReset(message: WireMap, count: number): ReadonlySet<number> | undefined {
  const named = numbers(message.get('rows'));
  const flags = numbers(message.get('reset'));
  const chosen =
    named ?? (flags && flags.length === count ? flags.flatMap((flag, row) => (flag ? [row] : [])) : undefined);
  if (!chosen) return undefined;
  const wrong = chosen.find((row) => !Number.isInteger(row) || row < 0 || row >= count);
  if (wrong !== undefined)
    throw new InputError('reset', `"rows" names robot ${wrong} (expected 0…${count - 1} of this session).`);
  return new Set(chosen);
}

/** A list or one-dimensional array of numbers or truth values; undefined for anything else. */
function numbers(value: WireValue | undefined): number[] | undefined {
  if (value instanceof NumpyArray)
    return value.shape.length === 1 && 'biu'.includes(value.dtype.charAt(1))
      ? Array.from({ length: value.size }, (_, i) => Number(value.at(i)))
      : undefined;
  if (!Array.isArray(value)) return undefined;
  const all = value as readonly WireValue[];
  return all.every((one) => typeof one === 'number' || typeof one === 'boolean') ? all.map(Number) : undefined;
}
