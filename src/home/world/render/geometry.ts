import { InputError } from '../../../base/index.ts';

/** MuJoCo's numbers of the primitive geom types (mjtGeom). */
export const GeomType = { plane: 0, sphere: 2, capsule: 3, ellipsoid: 4, cylinder: 5, box: 6 } as const;

/** The shapes of a scene, one entry a geom, in MuJoCo's own layout. */
export interface Geoms {
  /** mjtGeom numbers, [n]. */
  readonly types: ArrayLike<number>;
  /** Half sizes in metres, [n, 3]: radius; radius, half length; half axes; plane: half extents, 0 = without end. */
  readonly sizes: ArrayLike<number>;
  /** Radius of the bounding sphere in metres, [n]; 0 for planes. */
  readonly rbound: ArrayLike<number>;
  /** Colours in 0…1, [n, 4]; a geom with alpha 0 is not drawn. */
  readonly rgba: ArrayLike<number>;
  /** 0 = never drawn, [n]; all are drawn when absent. */
  readonly visible?: ArrayLike<number>;
}

/** Light of a scene. */
export interface Light {
  /** Unit vector towards the lamp, world frame. */
  readonly lamp: readonly [number, number, number];
  /** Strengths: of the lamp, from all sides, from the camera; 1 together shows a colour in full. */
  readonly diffuse: number;
  readonly ambient: number;
  readonly headlight: number;
}

/** One picture to take. Poses are in world coordinates, matrices row-major 3×3 (MuJoCo's geom_xmat, cam_xmat). */
export interface View {
  /** [n, 3] metres. */
  readonly geomPositions: ArrayLike<number>;
  /** [n, 9]. */
  readonly geomMatrices: ArrayLike<number>;
  /** [3] metres. */
  readonly cameraPosition: ArrayLike<number>;
  /** [9]: the camera looks along its -z axis, +y is up in the picture. */
  readonly cameraMatrix: ArrayLike<number>;
  /** Vertical field of view. */
  readonly fovyDegrees: number;
  readonly width: number;
  readonly height: number;
  /** Colours of this picture instead of the scene's, [n, 4]; what has an alpha of 0 is not there. */
  readonly rgba?: ArrayLike<number>;
  /**
   * Light that a geom gives off by itself, [n]: added to the light that falls on it; 1 shows its full colour in the
   * dark.
   */
  readonly emission?: ArrayLike<number>;
  /** The room's own light when left out. */
  readonly light?: Light | undefined;
  /** Rays a pixel side: 1, or 2 for 2×2 rays a pixel averaged (soft edges). */
  readonly supersample?: 1 | 2;
}

/** The picture's rays: pixel (u, v) looks along `x·right + y·up + forward` with x = x0 + u·pixel, y = y0 − v·pixel. */
export interface Rays {
  readonly width: number;
  readonly height: number;
  readonly x0: number;
  readonly y0: number;
  /** Size of a pixel on the image plane at distance 1. */
  readonly pixel: number;
}

/** A place and three axes, seen from another frame: the origin, then the axes one after another. */
export type Frame = [
  ...origin: [x: number, y: number, z: number],
  ...first: [x: number, y: number, z: number],
  ...second: [x: number, y: number, z: number],
  ...third: [x: number, y: number, z: number],
];

/** Nothing nearer to the camera than this is drawn, in metres along the optical axis. */
export const NEAR = 0.01;

export function raysOf(width: number, height: number, fovyDegrees: number): Rays {
  const pixel = (2 * Math.tan((fovyDegrees * Math.PI) / 360)) / height;
  return { width, height, pixel, x0: -0.5 * (width - 1) * pixel, y0: 0.5 * (height - 1) * pixel };
}

/** @throws InputError when the arrays do not fit together or a visible geom is no primitive */
export function checkGeoms({ types, sizes, rbound, rgba, visible }: Geoms): void {
  const n = types.length;
  if (sizes.length !== 3 * n || rbound.length !== n || rgba.length !== 4 * n || (visible && visible.length !== n))
    throw new InputError(
      'Raycaster',
      `arrays do not fit together (got types ${n}, sizes ${sizes.length}, rbound ${rbound.length}, ` +
        `rgba ${rgba.length}, visible ${visible?.length ?? 'none'}, expected n, 3n, n, 4n, n).`,
    );
  const known = new Set<number>(Object.values(GeomType));
  for (const [g, type] of Array.from(types).entries())
    if (visible?.[g] !== 0 && !known.has(type))
      throw new InputError(
        'Raycaster',
        `geom ${g} has type ${type}; only planes, spheres, capsules, ellipsoids, cylinders and boxes can be drawn. ` +
          'Mark it as not visible.',
      );
}
