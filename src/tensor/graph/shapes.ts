import { opError } from './errors.ts';

/** Number of elements of `shape`. */
export function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Length of one axis; negative axes count from the end. @throws TensorError when there is no such axis */
export function lengthOf(shape: readonly number[], axis: number): number {
  const length = shape.at(axis);
  if (length === undefined) throw opError('lengthOf', `there is no axis ${axis} in [${shape.join(', ')}].`);
  return length;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** The shape that `a` and `b` broadcast to by numpy's rule, or undefined when they do not. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const x = a[a.length - rank + axis] ?? 1;
    const y = b[b.length - rank + axis] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

/** Axes of `shape` that must be summed to undo a broadcast from `original`. */
export function broadcastAxes(shape: readonly number[], original: readonly number[]): number[] {
  const offset = shape.length - original.length;
  return shape.flatMap((length, axis) =>
    axis < offset || (original[axis - offset] === 1 && length !== 1) ? [axis] : [],
  );
}

/** `shape` without `axes`, or with length 1 there. */
export function reducedShape(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  return shape.flatMap((length, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [length]));
}
