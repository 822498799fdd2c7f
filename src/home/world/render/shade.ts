import { matrixAt, vectorAt } from '../geometry.ts';
import { GeomType, type Light, type Rays, type View } from './geometry.ts';
import type { ZBuffer } from './primitives.ts';

/** The light of the room. */
export const ROOM_LIGHT: Light = { lamp: unit(0.35, 0.25, 0.9), diffuse: 0.5, ambient: 0.38, headlight: 0.22 };
/** What is seen where nothing is. */
const SKY = [168, 198, 226] as const;

/** Floors are tiled, so that motion can be seen: side of a tile in metres, and how much darker the dark tiles are. */
const TILE = 0.5;
const TILE_CONTRAST = 0.18;

interface Surface {
  readonly types: Int32Array;
  readonly sizes: Float64Array;
  /** [n, 4]. */
  readonly rgba: ArrayLike<number>;
}

/** Colours of what the z-buffer holds: uint8 [height, width, 3] into `out`. */
export function shade(
  view: View,
  { types, sizes, rgba }: Surface,
  rays: Rays,
  { depth, segmentation }: ZBuffer,
  out: Uint8Array,
): Uint8Array {
  const { geomPositions: gp, geomMatrices: gm, cameraPosition: p, cameraMatrix: c, emission } = view;
  const { lamp: towards, diffuse, ambient, headlight } = view.light ?? ROOM_LIGHT;
  const [px, py, pz] = vectorAt(p, 0);
  const [c0, c1, c2, c3, c4, c5, c6, c7, c8] = matrixAt(c, 0);
  const [lx, ly, lz] = towards;
  let geom = -1;
  let type = -1;
  let a = 0;
  let b = 0;
  let k = 0;
  let red = 0;
  let green = 0;
  let blue = 0;
  let glow = 0;
  let [gx, gy, gz] = [0, 0, 0];
  let [m0, m1, m2, m3, m4, m5, m6, m7, m8] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let v = 0, i = 0; v < rays.height; v++) {
    const y = rays.y0 - v * rays.pixel;
    const rx = c1 * y - c2;
    const ry = c4 * y - c5;
    const rz = c7 * y - c8;
    for (let u = 0; u < rays.width; u++, i++) {
      const g = segmentation[i]!;
      const o = 3 * i;
      if (g < 0) {
        out[o] = SKY[0];
        out[o + 1] = SKY[1];
        out[o + 2] = SKY[2];
        continue;
      }
      if (g !== geom) {
        geom = g;
        type = types[g]!;
        [a, b, k] = vectorAt(sizes, g);
        red = 255 * rgba[4 * g]!;
        green = 255 * rgba[4 * g + 1]!;
        blue = 255 * rgba[4 * g + 2]!;
        glow = emission?.[g] ?? 0;
        const [x, y, z] = vectorAt(gp, g);
        gx = px - x;
        gy = py - y;
        gz = pz - z;
        [m0, m1, m2, m3, m4, m5, m6, m7, m8] = matrixAt(gm, g);
      }
      const x = rays.x0 + u * rays.pixel;
      const dx = c0 * x + rx;
      const dy = c3 * x + ry;
      const dz = c6 * x + rz;
      const t = depth[i]!;
      // The hit from the geom's centre in the world, then in the geom's frame; n is the normal there.
      const hx = gx + t * dx;
      const hy = gy + t * dy;
      const hz = gz + t * dz;
      let nx = 0;
      let ny = 0;
      let nz = 1;
      if (type !== GeomType.plane) {
        nx = m0 * hx + m3 * hy + m6 * hz;
        ny = m1 * hx + m4 * hy + m7 * hz;
        nz = m2 * hx + m5 * hy + m8 * hz;
        if (type === GeomType.box) {
          const fx = Math.abs(nx) / a;
          const fy = Math.abs(ny) / b;
          const fz = Math.abs(nz) / k;
          nx = fx >= fy && fx >= fz ? Math.sign(nx) : 0;
          ny = nx === 0 && fy >= fz ? Math.sign(ny) : 0;
          nz = nx === 0 && ny === 0 ? Math.sign(nz) : 0;
        } else if (type === GeomType.cylinder) {
          const cap = Math.abs(nz) - b > Math.sqrt(nx * nx + ny * ny) - a;
          nx = cap ? 0 : nx;
          ny = cap ? 0 : ny;
          nz = cap ? nz : 0;
        } else if (type === GeomType.capsule) nz = nz > b ? nz - b : nz < -b ? nz + b : 0;
        else if (type === GeomType.ellipsoid) {
          nx /= a * a;
          ny /= b * b;
          nz /= k * k;
        }
      }
      const wx = m0 * nx + m1 * ny + m2 * nz;
      const wy = m3 * nx + m4 * ny + m5 * nz;
      const wz = m6 * nx + m7 * ny + m8 * nz;
      const inverse = 1 / Math.sqrt(wx * wx + wy * wy + wz * wz);
      const lamp = (wx * lx + wy * ly + wz * lz) * inverse;
      const facing = (-(wx * dx + wy * dy + wz * dz) * inverse) / Math.sqrt(dx * dx + dy * dy + dz * dz);
      let light = ambient + glow;
      if (lamp > 0) light += diffuse * lamp;
      if (facing > 0) light += headlight * facing;
      if (type === GeomType.plane) light *= tiles(px + t * dx, py + t * dy, (t * rays.pixel) / Math.max(facing, 0.02));
      const R = red * light;
      const G = green * light;
      const B = blue * light;
      out[o] = R > 255 ? 255 : R + 0.5;
      out[o + 1] = G > 255 ? 255 : G + 0.5;
      out[o + 2] = B > 255 ? 255 : B + 0.5;
    }
  }
  return out;
}

/**
 * The brightness of a tiled floor at (x, y); `blur` is the size of a pixel there in metres, over which tiles run into
 * one another.
 */
function tiles(x: number, y: number, blur: number): number {
  const soft = 1 / Math.max(blur / 2, 1e-4);
  return 1 - (TILE_CONTRAST / 2) * (1 - wave(x, soft) * wave(y, soft));
}

/** +1 in even tiles, -1 in odd ones, a ramp of the given slope between. */
function wave(x: number, slope: number): number {
  const phase = x / (2 * TILE);
  const triangle = (0.25 - Math.abs(phase - Math.floor(phase) - 0.5)) * 2 * TILE; // signed distance to the tile's edge
  const value = -triangle * slope;
  return Math.max(-1, Math.min(1, value));
}

/**
 * A picture of half the size, each pixel the mean of 2×2: `fine` is uint8 [2·height, 2·width, 3], `out`
 * [height, width, 3].
 */
export function halve(fine: Uint8Array, width: number, height: number, out: Uint8Array): Uint8Array {
  const row = 6 * width;
  for (let v = 0, o = 0; v < height; v++)
    for (let u = 0, i = 2 * v * row; u < width; u++, i += 6)
      for (let channel = 0; channel < 3; channel++, o++) {
        const j = i + channel;
        out[o] = (fine[j]! + fine[j + 3]! + fine[j + row]! + fine[j + row + 3]! + 2) >> 2;
      }
  return out;
}

function unit(x: number, y: number, z: number): readonly [number, number, number] {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}
