import type { Rectangle } from './bounds.ts';
import { NEAR, type Rays } from './geometry.ts';

/** Where a primitive draws: the nearest distance so far and whose it is, [height, width]. */
export interface ZBuffer {
  readonly depth: Float64Array;
  readonly segmentation: Int32Array;
}

/**
 * Draws one primitive: for every pixel of the rectangle the ray in the geom's own frame is met with the shape, and the
 * nearer hit stays. Distances are in units of the ray `x·right + y·up + forward`, that is along the optical axis.
 * @param frame origin [0..2], then the ray basis right [3..5], up [6..8], forward [9..11], all in the geom's frame
 */
export type Draw = (
  geom: number,
  a: number,
  b: number,
  c: number,
  frame: Float64Array,
  rays: Rays,
  at: Rectangle,
  buffer: ZBuffer,
) => void;

export const drawPlane: Draw = (geom, a, b, _c, f, { width, x0, y0, pixel }, at, { depth, segmentation }) => {
  const oz = f[2];
  if (oz <= 0) return; // from below a plane is not there
  for (let v = at.v0; v < at.v1; v++) {
    const y = y0 - v * pixel;
    const rx = f[6] * y + f[9];
    const ry = f[7] * y + f[10];
    const rz = f[8] * y + f[11];
    for (let u = at.u0, i = v * width + at.u0; u < at.u1; u++, i++) {
      const x = x0 + u * pixel;
      const dz = f[5] * x + rz;
      if (dz > -1e-9) continue;
      const t = -oz / dz;
      if (t < NEAR || t >= depth[i]) continue;
      if (a > 0 && Math.abs(f[0] + t * (f[3] * x + rx)) > a) continue;
      if (b > 0 && Math.abs(f[1] + t * (f[4] * x + ry)) > b) continue;
      depth[i] = t;
      segmentation[i] = geom;
    }
  }
};

export const drawBox: Draw = (geom, a, b, c, f, { width, x0, y0, pixel }, at, { depth, segmentation }) => {
  const ox = f[0];
  const oy = f[1];
  const oz = f[2];
  const ax = f[3];
  const ay = f[4];
  const az = f[5];
  for (let v = at.v0; v < at.v1; v++) {
    const y = y0 - v * pixel;
    // The tiny offset keeps a ray that runs exactly along a face from dividing by zero.
    const rx = f[6] * y + f[9] + 1e-14;
    const ry = f[7] * y + f[10] + 1e-14;
    const rz = f[8] * y + f[11] + 1e-14;
    for (let u = at.u0, i = v * width + at.u0; u < at.u1; u++, i++) {
      const x = x0 + u * pixel;
      const ix = 1 / (ax * x + rx);
      const iy = 1 / (ay * x + ry);
      const iz = 1 / (az * x + rz);
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
      if (enter < NEAR || enter >= depth[i]) continue;
      if (enter > mx + ex || enter > my + ey || enter > mz + ez) continue;
      depth[i] = enter;
      segmentation[i] = geom;
    }
  }
};

/** Spheres and ellipsoids: the frame is divided by the half axes, and the unit sphere is met. */
export const drawEllipsoid: Draw = (geom, a, b, c, f, { width, x0, y0, pixel }, at, { depth, segmentation }) => {
  const ia = 1 / a;
  const ib = 1 / b;
  const ic = 1 / c;
  const ox = f[0] * ia;
  const oy = f[1] * ib;
  const oz = f[2] * ic;
  const ax = f[3] * ia;
  const ay = f[4] * ib;
  const az = f[5] * ic;
  const outside = ox * ox + oy * oy + oz * oz - 1;
  if (outside <= 0) return; // from inside it is not there
  for (let v = at.v0; v < at.v1; v++) {
    const y = y0 - v * pixel;
    const rx = (f[6] * y + f[9]) * ia;
    const ry = (f[7] * y + f[10]) * ib;
    const rz = (f[8] * y + f[11]) * ic;
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
      if (t < NEAR || t >= depth[i]) continue;
      depth[i] = t;
      segmentation[i] = geom;
    }
  }
};

/** The rays that run almost along the axis of a cylinder never meet its side. */
const PARALLEL = 1e-14;

export const drawCylinder: Draw = (geom, a, b, _c, f, { width, x0, y0, pixel }, at, { depth, segmentation }) => {
  const ox = f[0];
  const oy = f[1];
  const oz = f[2];
  const outside = ox * ox + oy * oy - a * a;
  for (let v = at.v0; v < at.v1; v++) {
    const y = y0 - v * pixel;
    const rx = f[6] * y + f[9];
    const ry = f[7] * y + f[10];
    const rz = f[8] * y + f[11];
    for (let u = at.u0, i = v * width + at.u0; u < at.u1; u++, i++) {
      const x = x0 + u * pixel;
      const dx = f[3] * x + rx;
      const dy = f[4] * x + ry;
      const dz = f[5] * x + rz;
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
      if (t < NEAR || t >= depth[i]) continue;
      depth[i] = t;
      segmentation[i] = geom;
    }
  }
};

export const drawCapsule: Draw = (geom, a, b, _c, f, { width, x0, y0, pixel }, at, { depth, segmentation }) => {
  const ox = f[0];
  const oy = f[1];
  const oz = f[2];
  const outside = ox * ox + oy * oy - a * a;
  for (let v = at.v0; v < at.v1; v++) {
    const y = y0 - v * pixel;
    const rx = f[6] * y + f[9];
    const ry = f[7] * y + f[10];
    const rz = f[8] * y + f[11];
    for (let u = at.u0, i = v * width + at.u0; u < at.u1; u++, i++) {
      const x = x0 + u * pixel;
      const dx = f[3] * x + rx;
      const dy = f[4] * x + ry;
      const dz = f[5] * x + rz;
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
      if (t < NEAR || t >= depth[i]) continue;
      depth[i] = t;
      segmentation[i] = geom;
    }
  }
};
