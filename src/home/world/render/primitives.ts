import type { Rectangle } from './bounds.ts';
import { type Frame, NEAR, type Rays } from './geometry.ts';

/** Where a primitive draws: the nearest distance so far and whose it is, [height, width]. */
export interface ZBuffer {
  readonly depth: Float64Array;
  readonly segmentation: Int32Array;
}

/**
 * Draws one primitive: for every pixel of the rectangle the ray in the geom's own frame is met with the shape, and the
 * nearer hit stays. Distances are in units of the ray `x·right + y·up + forward`, that is along the optical axis.
 * @param frame where the rays start, and the ray basis right, up, forward, all in the geom's frame
 */
export type Draw = (
  geom: number,
  a: number,
  b: number,
  c: number,
  frame: Frame,
  rays: Rays,
  at: Rectangle,
  buffer: ZBuffer,
) => void;

export const drawPlane: Draw = (geom, a, b, _c, f, { width, x0, y0, pixel }, at, { depth, segmentation }) => {
  const [ox, oy, oz, rightX, rightY, rightZ, upX, upY, upZ, forwardX, forwardY, forwardZ] = f;
  if (oz <= 0) return; // from below a plane is not there
  for (let v = at.v0; v < at.v1; v++) {
    const y = y0 - v * pixel;
    const rx = upX * y + forwardX;
    const ry = upY * y + forwardY;
    const rz = upZ * y + forwardZ;
    for (let u = at.u0, i = v * width + at.u0; u < at.u1; u++, i++) {
      const x = x0 + u * pixel;
      const dz = rightZ * x + rz;
      if (dz > -1e-9) continue;
      const t = -oz / dz;
      if (t < NEAR || t >= depth[i]!) continue;
      if (a > 0 && Math.abs(ox + t * (rightX * x + rx)) > a) continue;
      if (b > 0 && Math.abs(oy + t * (rightY * x + ry)) > b) continue;
      depth[i] = t;
      segmentation[i] = geom;
    }
  }
};

export const drawBox: Draw = (geom, a, b, c, f, { width, x0, y0, pixel }, at, { depth, segmentation }) => {
  const [ox, oy, oz, rightX, rightY, rightZ, upX, upY, upZ, forwardX, forwardY, forwardZ] = f;
  for (let v = at.v0; v < at.v1; v++) {
    const y = y0 - v * pixel;
    // The tiny offset keeps a ray that runs exactly along a face from dividing by zero.
    const rx = upX * y + forwardX + 1e-14;
    const ry = upY * y + forwardY + 1e-14;
    const rz = upZ * y + forwardZ + 1e-14;
    for (let u = at.u0, i = v * width + at.u0; u < at.u1; u++, i++) {
      const x = x0 + u * pixel;
      const ix = 1 / (rightX * x + rx);
      const iy = 1 / (rightY * x + ry);
      const iz = 1 / (rightZ * x + rz);
      // Slabs: the ray is between the two faces of an axis for t in [m - e, m + e].
      const mx = -ox * ix;
      const my = -oy * iy;
      const mz = -oz * iz;
      const ex = a * (ix < 0 ? -ix : ix);
      const ey = b * (iy < 0 ? -iy : iy);
      const ez = c * (iz < 0 ? -iz : iz);
      let enter = mx - ex;
      if (my - ey > enter) enter = my - ey;
      if (mz - ez > enter) enter = mz - ez;
      if (enter < NEAR || enter >= depth[i]!) continue;
      if (enter > mx + ex || enter > my + ey || enter > mz + ez) continue;
      depth[i] = enter;
      segmentation[i] = geom;
    }
  }
};

/** Spheres and ellipsoids: the frame is divided by the half axes, and the unit sphere is met. */
export const drawEllipsoid: Draw = (geom, a, b, c, f, { width, x0, y0, pixel }, at, { depth, segmentation }) => {
  const [startX, startY, startZ, rightX, rightY, rightZ, upX, upY, upZ, forwardX, forwardY, forwardZ] = f;
  const ia = 1 / a;
  const ib = 1 / b;
  const ic = 1 / c;
  const ox = startX * ia;
  const oy = startY * ib;
  const oz = startZ * ic;
  const ax = rightX * ia;
  const ay = rightY * ib;
  const az = rightZ * ic;
  const outside = ox * ox + oy * oy + oz * oz - 1;
  if (outside <= 0) return; // from inside it is not there
  for (let v = at.v0; v < at.v1; v++) {
    const y = y0 - v * pixel;
    const rx = (upX * y + forwardX) * ia;
    const ry = (upY * y + forwardY) * ib;
    const rz = (upZ * y + forwardZ) * ic;
    for (let u = at.u0, i = v * width + at.u0; u < at.u1; u++, i++) {
      const x = x0 + u * pixel;
      const dx = ax * x + rx;
      const dy = ay * x + ry;
      const dz = az * x + rz;
      const q = dx * dx + dy * dy + dz * dz;
      const p = ox * dx + oy * dy + oz * dz;
      const d = p * p - q * outside;
      if (d < 0) continue;
      const t = (-p - Math.sqrt(d)) / q;
      if (t < NEAR || t >= depth[i]!) continue;
      depth[i] = t;
      segmentation[i] = geom;
    }
  }
};

/** The rays that run almost along the axis of a cylinder never meet its side. */
const PARALLEL = 1e-14;

export const drawCylinder: Draw = (geom, a, b, _c, f, { width, x0, y0, pixel }, at, { depth, segmentation }) => {
  const [ox, oy, oz, rightX, rightY, rightZ, upX, upY, upZ, forwardX, forwardY, forwardZ] = f;
  const outside = ox * ox + oy * oy - a * a;
  for (let v = at.v0; v < at.v1; v++) {
    const y = y0 - v * pixel;
    const rx = upX * y + forwardX;
    const ry = upY * y + forwardY;
    const rz = upZ * y + forwardZ;
    for (let u = at.u0, i = v * width + at.u0; u < at.u1; u++, i++) {
      const x = x0 + u * pixel;
      const dx = rightX * x + rx;
      const dy = rightY * x + ry;
      const dz = rightZ * x + rz;
      const q = dx * dx + dy * dy;
      const p = ox * dx + oy * dy;
      const d = p * p - q * outside;
      if (d < 0) continue;
      let t = -1;
      if (outside > 0 && q > PARALLEL) {
        const side = (-p - Math.sqrt(d)) / q;
        const z = oz + side * dz;
        if (z <= b && z >= -b) t = side;
      }
      if (t < 0 && (dz < 0 ? oz > b : oz < -b)) {
        const cap = ((dz < 0 ? b : -b) - oz) / dz;
        const hx = ox + cap * dx;
        const hy = oy + cap * dy;
        if (hx * hx + hy * hy <= a * a) t = cap;
      }
      if (t < NEAR || t >= depth[i]!) continue;
      depth[i] = t;
      segmentation[i] = geom;
    }
  }
};

export const drawCapsule: Draw = (geom, a, b, _c, f, { width, x0, y0, pixel }, at, { depth, segmentation }) => {
  const [ox, oy, oz, rightX, rightY, rightZ, upX, upY, upZ, forwardX, forwardY, forwardZ] = f;
  const outside = ox * ox + oy * oy - a * a;
  for (let v = at.v0; v < at.v1; v++) {
    const y = y0 - v * pixel;
    const rx = upX * y + forwardX;
    const ry = upY * y + forwardY;
    const rz = upZ * y + forwardZ;
    for (let u = at.u0, i = v * width + at.u0; u < at.u1; u++, i++) {
      const x = x0 + u * pixel;
      const dx = rightX * x + rx;
      const dy = rightY * x + ry;
      const dz = rightZ * x + rz;
      const q = dx * dx + dy * dy;
      const p = ox * dx + oy * dy;
      const d = p * p - q * outside;
      if (d < 0) continue;
      let t = -1;
      if (outside > 0 && q > PARALLEL) {
        const side = (-p - Math.sqrt(d)) / q;
        const z = oz + side * dz;
        if (z <= b && z >= -b) t = side;
      }
      if (t < 0) {
        // Past the side: the sphere at either end, the nearer first.
        const full = q + dz * dz;
        const first = dz < 0 ? b : -b;
        for (let end = 0; end < 2; end++) {
          const z = oz - (end === 0 ? first : -first);
          const along = p + z * dz;
          const e = along * along - full * (outside + z * z);
          if (e < 0) continue;
          t = (-along - Math.sqrt(e)) / full;
          break;
        }
      }
      if (t < NEAR || t >= depth[i]!) continue;
      depth[i] = t;
      segmentation[i] = geom;
    }
  }
};
