import { ValetError } from '../base/index.ts';
import type { NdArray } from '../tensor/index.ts';
import { numbers } from './goldenCase.ts';

/**
 * How near is near enough. A relative tolerance is relative to the largest magnitude expected in the tensor; of two,
 * the wider one counts.
 */
export interface Tolerance {
  readonly relative?: number;
  readonly absolute?: number;
}

/** The tolerance of a quantity, as its manifest gives it. */
export function toleranceOf(quantity: { tolerance_relative?: number; tolerance_absolute?: number }): Tolerance {
  const { tolerance_relative: relative, tolerance_absolute: absolute } = quantity;
  return { ...(relative !== undefined && { relative }), ...(absolute !== undefined && { absolute }) };
}

/** The element that is off most. */
export interface Worst {
  /** The tensor, where a quantity covers several. */
  readonly tensor?: string;
  readonly index: readonly number[];
  readonly expected: number;
  readonly got: number;
}

/** What a comparison found; it passes when `error` ≤ `tolerance`. */
export interface Outcome {
  /** In the tolerance's terms: relative when only a relative tolerance is given, else absolute. */
  readonly error: number;
  readonly tolerance: number;
  readonly worst?: Worst;
  /** What else is worth saying when it fails. */
  readonly note?: string;
  /** With `--float64`: what the same program gives in float64. */
  readonly float64?: Float64Errors;
}

/** How much of an error is rounding, and whose. */
export interface Float64Errors {
  /**
   * Our float64 program against the golden numbers: where it is as large as the error in float32, the golden numbers'
   * own rounding.
   */
  readonly error: number;
  /** Our float32 program against our float64 program: our own rounding. */
  readonly rounding: number;
}

export function passes({ error, tolerance }: Outcome): boolean {
  return error <= tolerance;
}

/** A quantity, or a form of it, that verification does not know: counts as unknown. */
export class UnknownQuantity extends ValetError {
  override name = 'UnknownQuantity';
}

/**
 * Compares numbers with an expected array. NaN equals NaN alone, and infinities equal themselves.
 * @param counts which elements are compared; all when left out
 * @throws ValetError when there are more or fewer numbers than expected
 */
export function compareArrays(
  got: ArrayLike<number>,
  expected: NdArray,
  tolerance: Tolerance,
  counts: (i: number) => boolean = () => true,
): Outcome {
  const target = numbers(expected);
  if (got.length !== target.length)
    throw new ValetError('compare', `${got.length} numbers (expected ${target.length}: [${expected.shape}]).`);
  let [error, largest, at] = [0, 0, -1];
  for (let i = 0; i < target.length; i++) {
    if (!counts(i)) continue;
    const [a, b] = [got[i]!, target[i]!];
    if (Number.isFinite(b)) largest = Math.max(largest, Math.abs(b));
    if (Object.is(a, b) || a === b) continue;
    const difference = Math.abs(a - b);
    const size = Number.isNaN(difference) ? Infinity : difference;
    if (size > error) [error, at] = [size, i];
  }
  const worst = at < 0 ? undefined : { index: indexOf(at, expected.shape), expected: target[at]!, got: got[at]! };
  const { relative, absolute } = tolerance;
  const found =
    absolute === undefined
      ? { error: largest > 0 ? error / largest : error, tolerance: relative ?? 0 }
      : { error, tolerance: Math.max(absolute, (relative ?? 0) * largest) };
  return { ...found, ...(worst && { worst }) };
}

/** Compares single values that must be equal; `index` says where they stand. */
export function compareExactly(
  pairs: Iterable<{ readonly what: string; readonly got: unknown; readonly expected: unknown }>,
): Outcome {
  const wrong: string[] = [];
  let count = 0;
  for (const { what, got, expected } of pairs) {
    count++;
    const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
    if (a !== b) wrong.push(`${what}: got ${a}, expected ${b}`);
  }
  if (wrong.length === 0) return { error: 0, tolerance: 0 };
  return { error: wrong.length, tolerance: 0, note: `${wrong.length} of ${count} differ; ${wrong[0]}` };
}

/**
 * Several comparisons as one: the one that is nearest to, or farthest beyond, its tolerance. @throws ValetError when
 * there is none
 */
export function worstOf(parts: readonly (readonly [tensor: string, outcome: Outcome])[]): Outcome {
  if (parts.length === 0) throw new ValetError('compare', 'nothing to compare.');
  const severity = ({ error, tolerance }: Outcome) => (tolerance > 0 ? error / tolerance : error > 0 ? Infinity : 0);
  const [tensor, most] = parts.reduce((a, b) => (severity(b[1]) > severity(a[1]) ? b : a));
  const off = parts.filter(([, outcome]) => !passes(outcome));
  const note =
    off.length > 0 && parts.length > 1
      ? `${off.length} of ${parts.length} tensors are off: ${off
          .slice(0, 5)
          .map(([name]) => name)
          .join(', ')}${off.length > 5 ? ', …' : ''}`
      : most.note;
  const exact = parts.flatMap(([, { float64 }]) => (float64 ? [float64] : []));
  const largest = (key: keyof Float64Errors) => Math.max(...exact.map((found) => found[key]));
  return {
    ...most,
    ...(most.worst && { worst: { ...most.worst, tensor } }),
    ...(note && { note }),
    ...(exact.length > 0 && { float64: { error: largest('error'), rounding: largest('rounding') } }),
  };
}

/** `got` against the golden numbers, and, where there is one, the float64 program's answer `exact` beside it. */
export function compareBoth(
  got: ArrayLike<number>,
  exact: ArrayLike<number> | undefined,
  expected: NdArray,
  tolerance: Tolerance,
  counts?: (i: number) => boolean,
): Outcome {
  const outcome = compareArrays(got, expected, tolerance, counts);
  if (!exact) return outcome;
  const reference: NdArray = { shape: expected.shape, dtype: 'float64', data: Float64Array.from(exact) };
  return {
    ...outcome,
    float64: {
      error: compareArrays(exact, expected, tolerance, counts).error,
      rounding: compareArrays(got, reference, tolerance, counts).error,
    },
  };
}

/** The index of flat element `i`. */
function indexOf(i: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = i;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return index;
}
