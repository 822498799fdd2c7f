/** Small rigid-body arithmetic. Quaternions are wxyz as in MuJoCo unless a name says otherwise; lengths in metres, angles in radians. */

export type Vector3 = readonly [number, number, number];
export type Quaternion = readonly [number, number, number, number];

export const add = (a: Vector3, b: Vector3): Vector3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const subtract = (a: Vector3, b: Vector3): Vector3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const distance = (a: Vector3, b: Vector3): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
export const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));
/** An angle as the equal one in (-π, π]. */
export const wrapAngle = (angle: number): number => Math.atan2(Math.sin(angle), Math.cos(angle));

export const vectorAt = (array: ArrayLike<number>, index: number): Vector3 => [
  array[3 * index],
  array[3 * index + 1],
  array[3 * index + 2],
];
export const quaternionAt = (array: ArrayLike<number>, index: number): Quaternion => [
  array[4 * index],
  array[4 * index + 1],
  array[4 * index + 2],
  array[4 * index + 3],
];

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

/** Row-major 3 × 3. */
export function matrixOf([w, x, y, z]: Quaternion): number[] {
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
export function quaternionOf(m: ArrayLike<number>): Quaternion {
  const trace = m[0] + m[4] + m[8];
  let q: Quaternion;
  if (trace > 0) q = [1 + trace, m[7] - m[5], m[2] - m[6], m[3] - m[1]];
  else if (m[0] > m[4] && m[0] > m[8]) q = [m[7] - m[5], 1 + m[0] - m[4] - m[8], m[1] + m[3], m[2] + m[6]];
  else if (m[4] > m[8]) q = [m[2] - m[6], m[1] + m[3], 1 - m[0] + m[4] - m[8], m[5] + m[7]];
  else q = [m[3] - m[1], m[2] + m[6], m[5] + m[7], 1 - m[0] - m[4] + m[8]];
  const norm = Math.hypot(...q);
  return [q[0] / norm, q[1] / norm, q[2] / norm, q[3] / norm];
}
