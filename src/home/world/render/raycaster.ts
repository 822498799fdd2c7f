import { InputError } from '../../../base/index.ts';
import { type Rectangle, screenRectangle } from './bounds.ts';
import { checkGeoms, type Geoms, GeomType, raysOf, type View } from './geometry.ts';
import { type Draw, drawBox, drawCapsule, drawCylinder, drawEllipsoid, drawPlane, type ZBuffer } from './primitives.ts';
import { average, shade } from './shade.ts';

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
 * intersection of each pixel's ray with it, a z-buffer, and shading of what stayed. Pure arithmetic, so the same scene gives
 * the same bytes on every machine. A solid that the camera is inside of, or a plane seen from below, is not drawn.
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
  private readonly frame = new Float64Array(12);
  private readonly relative = new Float64Array(12);
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
      if (this.types[g] === GeomType.sphere) this.sizes.fill(this.sizes[3 * g], 3 * g, 3 * g + 3);
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
        `poses of ${Math.min(view.geomPositions.length / 3, view.geomMatrices.length / 9)} geoms (expected ${this.count}).`,
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
      if (this.visible[g] === 0) continue;
      const type = this.types[g];
      this.place(g, view);
      if (!screenRectangle(type, this.sizes, 3 * g, this.rbound[g], this.relative, rays, this.rectangle)) continue;
      DRAW[type]!(
        g,
        this.sizes[3 * g],
        this.sizes[3 * g + 1],
        this.sizes[3 * g + 2],
        this.frame,
        rays,
        this.rectangle,
        this.buffer,
      );
    }
    const surface = { types: this.types, sizes: this.sizes, rgba: view.rgba ?? this.rgba };
    if (supersample === 1) return shade(view, surface, rays, this.buffer, out);
    if (this.fine.length !== 3 * w * h) this.fine = new Uint8Array(3 * w * h);
    return average(shade(view, surface, rays, this.buffer, this.fine), width, height, out);
  }

  /** Distance along the optical axis of the last picture in metres, float32 [height, width]; Infinity where nothing was hit. With supersampling the nearest of the pixel's rays. */
  depth(): Float32Array {
    return this.nearest((i) => this.buffer.depth[i], new Float32Array(this.last.width * this.last.height));
  }

  /** The geom that each pixel of the last picture shows, int32 [height, width]; -1 where nothing was hit. With supersampling the nearest of the pixel's rays. */
  segmentation(): Int32Array {
    return this.nearest((i) => this.buffer.segmentation[i], new Int32Array(this.last.width * this.last.height));
  }

  private nearest<A extends Float32Array | Int32Array>(value: (index: number) => number, out: A): A {
    const { width, height, supersample } = this.last;
    for (let v = 0, o = 0; v < height; v++)
      for (let u = 0; u < width; u++, o++) {
        let best = v * supersample * this.fineWidth + u * supersample;
        const first = best;
        for (let k = 1; k < supersample * supersample; k++) {
          const i = first + (k % supersample) + Math.floor(k / supersample) * this.fineWidth;
          if (this.buffer.depth[i] < this.buffer.depth[best]) best = i;
        }
        out[o] = value(best);
      }
    return out;
  }

  /** The rays' frame seen from the geom, and the geom seen from the camera. */
  private place(g: number, { geomPositions: x, geomMatrices: m, cameraPosition: p, cameraMatrix: c }: View): void {
    const { frame: f, relative: r } = this;
    const q = 9 * g;
    const dx = p[0] - x[3 * g];
    const dy = p[1] - x[3 * g + 1];
    const dz = p[2] - x[3 * g + 2];
    r[0] = -(c[0] * dx + c[3] * dy + c[6] * dz);
    r[1] = -(c[1] * dx + c[4] * dy + c[7] * dz);
    r[2] = c[2] * dx + c[5] * dy + c[8] * dz;
    for (let k = 0; k < 3; k++) {
      const ax = m[q + k];
      const ay = m[q + 3 + k];
      const az = m[q + 6 + k];
      f[k] = ax * dx + ay * dy + az * dz;
      r[3 + 3 * k] = f[3 + k] = ax * c[0] + ay * c[3] + az * c[6];
      r[4 + 3 * k] = f[6 + k] = ax * c[1] + ay * c[4] + az * c[7];
      r[5 + 3 * k] = f[9 + k] = -(ax * c[2] + ay * c[5] + az * c[8]);
    }
  }
}
