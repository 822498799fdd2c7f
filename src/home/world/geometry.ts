/**
 * Small rigid-body arithmetic. Quaternions are wxyz as in MuJoCo unless a name says otherwise; lengths in metres,
 * angles in radians.
 */

export type Vector3 = readonly [number, number, number];
export type Quaternion = readonly [number, number, number, number];
/** Row-major 3 × 3. */
// biome-ignore format: as it is read
export type Matrix3 = readonly [
  number, number, number,
  number, number, number,
  number, number, number,
];

export const add = (a: Vector3, b: Vector3): Vector3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const subtract = (a: Vector3, b: Vector3): Vector3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const distance = (a: Vector3, b: Vector3): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
export const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));
/** An angle as the equal one in (-π, π]. */
export const wrapAngle = (angle: number): number => Math.atan2(Math.sin(angle), Math.cos(angle));

/** The `index`-th vector of an array of vectors [n, 3]. */
export const vectorAt = (array: ArrayLike<number>, index: number): Vector3 => {
  const at = 3 * index;
  return [array[at]!, array[at + 1]!, array[at + 2]!];
};
/** The `index`-th quaternion of an array of quaternions [n, 4]. */
export const quaternionAt = (array: ArrayLike<number>, index: number): Quaternion => {
  const at = 4 * index;
  return [array[at]!, array[at + 1]!, array[at + 2]!, array[at + 3]!];
};
/** The `index`-th matrix of an array of matrices [n, 9]. */
export const matrixAt = (array: ArrayLike<number>, index: number): Matrix3 => {
  const m = 9 * index;
  return [
    array[m]!,
    array[m + 1]!,
    array[m + 2]!,
    array[m + 3]!,
    array[m + 4]!,
    array[m + 5]!,
    array[m + 6]!,
    array[m + 7]!,
    array[m + 8]!,
  ];
};

export const multiply = (a: Quaternion, b: Quaternion): Quaternion => [
  a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
  a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
  a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
  a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
];
export const conjugate = (q: Quaternion): Quaternion => [q[0], -q[1], -q[2], -q[3]];
export const rotate = (q: Quaternion, v: Vector3): Vector3 => {
  const [, x, y, z] = multiply(multiply(q, [0, v[0], v[1], v[2]]), conjugate(q));
  return [x, y, z];
};
/** A turn about the vertical. */
export const yawQuaternion = (yaw: number): Quaternion => [Math.cos(yaw / 2), 0, 0, Math.sin(yaw / 2)];
/** Turns a vector about the vertical. */
export const turn = (v: Vector3, yaw: number): Vector3 => {
  const c = Math.cos(yaw);
  const s = Math.sin(yaw);
  return [c * v[0] - s * v[1], s * v[0] + c * v[1], v[2]];
};

/** A vector of the world in the frame whose axes are the matrix's columns. */
export const rotateBack = (m: Matrix3, [x, y, z]: Vector3): Vector3 => [
  m[0] * x + m[3] * y + m[6] * z,
  m[1] * x + m[4] * y + m[7] * z,
  m[2] * x + m[5] * y + m[8] * z,
];

/** A box: its middle and half extents, metres. */
export interface Extent {
  readonly middle: Vector3;
  readonly half: Vector3;
}

/** The upright box around a box that is given in a frame (its origin in the world, its axes as columns). */
export function boxAround({ middle, half }: Extent, origin: Vector3, m: Matrix3): Extent {
  const [x, y, z] = half;
  const size = (i: number) => Math.abs(m[i]!) * x + Math.abs(m[i + 1]!) * y + Math.abs(m[i + 2]!) * z;
  const at = (i: number) => m[i]! * middle[0] + m[i + 1]! * middle[1] + m[i + 2]! * middle[2];
  return { middle: add(origin, [at(0), at(3), at(6)]), half: [size(0), size(3), size(6)] };
}

/** Metres between two upright boxes along each axis; less than 0 where they overlap. */
export const boxGaps = (a: Extent, b: Extent): Vector3 => {
  const along = (i: 0 | 1 | 2) => Math.abs(a.middle[i] - b.middle[i]) - a.half[i] - b.half[i];
  return [along(0), along(1), along(2)];
};

export function matrixOf([w, x, y, z]: Quaternion): Matrix3 {
  return [
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  ];
}

/** Shepperd's method: the largest of the four squared components first. */
export function quaternionOf(m: Matrix3): Quaternion {
  const trace = m[0] + m[4] + m[8];
  let q: Quaternion;
  if (trace > 0) q = [1 + trace, m[7] - m[5], m[2] - m[6], m[3] - m[1]];
  else if (m[0] > m[4] && m[0] > m[8]) q = [m[7] - m[5], 1 + m[0] - m[4] - m[8], m[1] + m[3], m[2] + m[6]];
  else if (m[4] > m[8]) q = [m[2] - m[6], m[1] + m[3], 1 - m[0] + m[4] - m[8], m[5] + m[7]];
  else q = [m[3] - m[1], m[2] + m[6], m[5] + m[7], 1 - m[0] - m[4] + m[8]];
  const norm = Math.hypot(...q);
  return [q[0] / norm, q[1] / norm, q[2] / norm, q[3] / norm];
}
