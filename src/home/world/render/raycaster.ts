import { InputError } from '../../../base/index.ts';
import { matrixAt, vectorAt } from '../geometry.ts';
import { type Rectangle, screenRectangle } from './bounds.ts';
import { checkGeoms, type Frame, type Geoms, GeomType, raysOf, type View } from './geometry.ts';
import { type Draw, drawBox, drawCapsule, drawCylinder, drawEllipsoid, drawPlane, type ZBuffer } from './primitives.ts';
import { halve, shade } from './shade.ts';

const DRAW: Readonly<Record<number, Draw>> = {
  [GeomType.plane]: drawPlane,
  [GeomType.sphere]: drawEllipsoid,
  [GeomType.ellipsoid]: drawEllipsoid,
  [GeomType.capsule]: drawCapsule,
  [GeomType.cylinder]: drawCylinder,
  [GeomType.box]: drawBox,
};

/**
 * Takes pictures of a scene of MuJoCo primitives on the CPU: for each geom the pixels that it can touch, an exact
 * intersection of each pixel's ray with it, a z-buffer, and shading of what stayed. Pure arithmetic, so the same scene
 * gives the same bytes on every machine. A solid that the camera is inside of, or a plane seen from below, is not
 * drawn.
 */
export class Raycaster {
  private readonly count: number;
  private readonly types: Int32Array;
  private readonly sizes: Float64Array;
  private readonly rbound: Float64Array;
  private readonly rgba: Float64Array;
  private readonly visible: Uint8Array;
  private buffer: ZBuffer = { depth: new Float64Array(0), segmentation: new Int32Array(0) };
  private fine = new Uint8Array(0);
  private fineWidth = 0;
  private last = { width: 0, height: 0, supersample: 1 };
  private readonly frame: Frame = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  private readonly relative: Frame = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  private readonly rectangle: Rectangle = { u0: 0, u1: 0, v0: 0, v1: 0 };

  constructor(geoms: Geoms) {
    checkGeoms(geoms);
    this.count = geoms.types.length;
    this.types = Int32Array.from(geoms.types);
    this.sizes = Float64Array.from(geoms.sizes);
    this.rbound = Float64Array.from(geoms.rbound);
    this.rgba = Float64Array.from(geoms.rgba);
    this.visible = new Uint8Array(this.count).fill(1);
    for (let g = 0; g < this.count; g++) {
      if (geoms.visible?.[g] === 0 || this.rgba[4 * g + 3] === 0) this.visible[g] = 0;
      if (this.types[g] === GeomType.sphere) this.sizes.fill(vectorAt(this.sizes, g)[0], 3 * g, 3 * g + 3);
    }
  }

  /** @returns uint8 [height, width, 3], rows from the top; `out` when given */
  render(view: View, out = new Uint8Array(3 * view.width * view.height)): Uint8Array {
    const { width, height, supersample = 1 } = view;
    if (out.length !== 3 * width * height)
      throw new InputError('Raycaster.render', `out has ${out.length} bytes (expected ${3 * width * height}).`);
    if (view.geomPositions.length < 3 * this.count || view.geomMatrices.length < 9 * this.count)
      throw new InputError(
        'Raycaster.render',
        `poses of ${Math.min(view.geomPositions.length / 3, view.geomMatrices.length / 9)} geoms ` +
          `(expected ${this.count}).`,
      );
    const w = width * supersample;
    const h = height * supersample;
    const rays = raysOf(w, h, view.fovyDegrees);
    if (this.buffer.depth.length !== w * h)
      this.buffer = { depth: new Float64Array(w * h), segmentation: new Int32Array(w * h) };
    this.fineWidth = w;
    this.last = { width, height, supersample };
    this.buffer.depth.fill(Number.POSITIVE_INFINITY);
    this.buffer.segmentation.fill(-1);
    for (let g = 0; g < this.count; g++) {
      if (this.visible[g] === 0 || view.rgba?.[4 * g + 3] === 0) continue;
      const type = this.types[g]!;
      const size = vectorAt(this.sizes, g);
      this.place(g, view);
      if (!screenRectangle(type, size, this.rbound[g]!, this.relative, rays, this.rectangle)) continue;
      DRAW[type]!(g, ...size, this.frame, rays, this.rectangle, this.buffer);
    }
    const surface = { types: this.types, sizes: this.sizes, rgba: view.rgba ?? this.rgba };
    if (supersample === 1) return shade(view, surface, rays, this.buffer, out);
    if (this.fine.length !== 3 * w * h) this.fine = new Uint8Array(3 * w * h);
    return halve(shade(view, surface, rays, this.buffer, this.fine), width, height, out);
  }

  /**
   * Distance along the optical axis of the last picture in metres, float32 [height, width]; Infinity where nothing was
   * hit. With supersampling the nearest of the pixel's rays.
   */
  depth(): Float32Array {
    return this.nearest((i) => this.buffer.depth[i]!, new Float32Array(this.last.width * this.last.height));
  }

  /**
   * The geom that each pixel of the last picture shows, int32 [height, width]; -1 where nothing was hit. With
   * supersampling the nearest of the pixel's rays.
   */
  segmentation(): Int32Array {
    return this.nearest((i) => this.buffer.segmentation[i]!, new Int32Array(this.last.width * this.last.height));
  }

  private nearest<A extends Float32Array | Int32Array>(value: (index: number) => number, out: A): A {
    const { width, height, supersample } = this.last;
    for (let v = 0, o = 0; v < height; v++)
      for (let u = 0; u < width; u++, o++) {
        let best = v * supersample * this.fineWidth + u * supersample;
        const first = best;
        for (let k = 1; k < supersample * supersample; k++) {
          const i = first + (k % supersample) + Math.floor(k / supersample) * this.fineWidth;
          if (this.buffer.depth[i]! < this.buffer.depth[best]!) best = i;
        }
        out[o] = value(best);
      }
    return out;
  }

  /** The rays' frame seen from the geom, and the geom seen from the camera. */
  private place(g: number, { geomPositions: x, geomMatrices: m, cameraPosition: p, cameraMatrix: c }: View): void {
    const { frame, relative } = this;
    const [px, py, pz] = vectorAt(p, 0);
    const [c0, c1, c2, c3, c4, c5, c6, c7, c8] = matrixAt(c, 0);
    const [gx, gy, gz] = vectorAt(x, g);
    const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = matrixAt(m, g);
    const dx = px - gx;
    const dy = py - gy;
    const dz = pz - gz;
    relative[0] = -(c0 * dx + c3 * dy + c6 * dz);
    relative[1] = -(c1 * dx + c4 * dy + c7 * dz);
    relative[2] = c2 * dx + c5 * dy + c8 * dz;
    // The k-th axis of the geom in the world: column k of its matrix.
    const axis = (k: 0 | 1 | 2, ax: number, ay: number, az: number): void => {
      const right = ax * c0 + ay * c3 + az * c6;
      const up = ax * c1 + ay * c4 + az * c7;
      const forward = -(ax * c2 + ay * c5 + az * c8);
      frame[k] = ax * dx + ay * dy + az * dz;
      relative[3 + 3 * k] = frame[3 + k] = right;
      relative[4 + 3 * k] = frame[6 + k] = up;
      relative[5 + 3 * k] = frame[9 + k] = forward;
    };
    axis(0, m0, m3, m6);
    axis(1, m1, m4, m7);
    axis(2, m2, m5, m8);
  }
}
