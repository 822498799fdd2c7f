import type { Vector3 } from '../geometry.ts';
import { type Frame, GeomType, NEAR, type Rays } from './geometry.ts';

/** A rectangle of pixels, ends excluded. */
export interface Rectangle {
  u0: number;
  u1: number;
  v0: number;
  v1: number;
}

/** Corners of the box around a geom, each as right, up and forward from the camera. */
const corners = new Float64Array(24);

/**
 * The pixels that a geom can touch.
 * @param relative the geom in camera coordinates (right, up, forward): its centre and its own x, y, z axes
 * @param size half sizes of the geom
 * @returns false when nothing of it can be seen
 */
export function screenRectangle(
  type: number,
  size: Vector3,
  radius: number,
  relative: Frame,
  rays: Rays,
  out: Rectangle,
): boolean {
  out.u0 = 0;
  out.u1 = rays.width;
  out.v0 = 0;
  out.v1 = rays.height;
  if (type === GeomType.plane) return true;
  const [x, y, z, pRight, pUp, pForward, qRight, qUp, qForward, rRight, rUp, rForward] = relative;
  if (z < NEAR - radius) return false;
  if (type === GeomType.sphere && z > radius * 1.05 + NEAR) {
    // Tangents from the eye to the sphere, separately in the two image directions.
    const square = z * z - radius * radius;
    const across = radius * Math.sqrt(x * x + square);
    const along = radius * Math.sqrt(y * y + square);
    return clip(
      out,
      rays,
      (x * z - across) / square,
      (x * z + across) / square,
      (y * z - along) / square,
      (y * z + along) / square,
    );
  }
  const [a, second, third] = size;
  const b = type === GeomType.cylinder || type === GeomType.capsule ? a : second;
  const c = type === GeomType.cylinder ? second : type === GeomType.capsule ? second + a : third;
  for (let corner = 0; corner < 8; corner++) {
    const p = corner & 1 ? a : -a;
    const q = corner & 2 ? b : -b;
    const r = corner & 4 ? c : -c;
    corners[3 * corner] = x + pRight * p + qRight * q + rRight * r;
    corners[3 * corner + 1] = y + pUp * p + qUp * q + rUp * r;
    corners[3 * corner + 2] = z + pForward * p + qForward * q + rForward * r;
  }
  return clip(out, rays, ...projected());
}

/**
 * Bounds on the image plane of what the box of `corners` has beyond the distance NEAR, where drawing begins: of its
 * corners there, and of the points where its edges cross that distance. Without any, the bounds are empty.
 */
function projected(): [left: number, right: number, low: number, high: number] {
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const see = (u: number, v: number): void => {
    if (u < left) left = u;
    if (u > right) right = u;
    if (v < low) low = v;
    if (v > high) high = v;
  };
  for (let corner = 0; corner < 8; corner++) {
    const i = 3 * corner;
    const depth = corners[i + 2]!;
    if (depth >= NEAR) see(corners[i]! / depth, corners[i + 1]! / depth);
    for (let axis = 1; axis < 8; axis <<= 1) {
      if (corner & axis) continue;
      const j = 3 * (corner | axis);
      const other = corners[j + 2]!;
      if (depth >= NEAR === other >= NEAR) continue;
      const share = (NEAR - depth) / (other - depth);
      const at = (k: number) => corners[i + k]! + share * (corners[j + k]! - corners[i + k]!);
      see(at(0) / NEAR, at(1) / NEAR);
    }
  }
  return [left, right, low, high];
}

/** Image-plane bounds to the pixels whose centres lie within them. */
function clip(
  out: Rectangle,
  { width, height, x0, y0, pixel }: Rays,
  left: number,
  right: number,
  low: number,
  high: number,
): boolean {
  const guard = 1e-9;
  out.u0 = Math.max(0, Math.ceil((left - x0) / pixel - guard));
  out.u1 = Math.min(width, Math.floor((right - x0) / pixel + guard) + 1);
  out.v0 = Math.max(0, Math.ceil((y0 - high) / pixel - guard));
  out.v1 = Math.min(height, Math.floor((y0 - low) / pixel + guard) + 1);
  return out.u0 < out.u1 && out.v0 < out.v1;
}
