import type { Vector3 } from '../geometry.ts';
import { type Frame, GeomType, NEAR, type Rays } from './geometry.ts';

/** A rectangle of pixels, ends excluded. */
export interface Rectangle {
  u0: number;
  u1: number;
  v0: number;
  v1: number;
}

/** A corner nearer than this has no useful projection, metres. */
const MIN_DEPTH = 0.02;

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
  if (type === GeomType.sphere) {
    if (z <= radius * 1.05 + NEAR) return true; // the camera is beside or inside it
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
  const b = type === GeomType.box || type === GeomType.ellipsoid ? second : a;
  const c = type === GeomType.cylinder ? second : type === GeomType.capsule ? second + a : third;
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let behind = 0;
  let close = false;
  for (let corner = 0; corner < 8; corner++) {
    const p = corner & 1 ? a : -a;
    const q = corner & 2 ? b : -b;
    const r = corner & 4 ? c : -c;
    const depth = z + pForward * p + qForward * q + rForward * r;
    if (depth < NEAR) behind++;
    if (depth < MIN_DEPTH) {
      close = true;
      continue;
    }
    const u = (x + pRight * p + qRight * q + rRight * r) / depth;
    const v = (y + pUp * p + qUp * q + rUp * r) / depth;
    if (u < left) left = u;
    if (u > right) right = u;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (behind === 8) return false;
  if (close) return true;
  return clip(out, rays, left, right, low, high);
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
