import { InputError } from '../../base/index.ts';
import type { Picture } from '../../robot/index.ts';
import { add, multiply, type Quaternion, rotate, type Vector3 } from './geometry.ts';
import { GeomType } from './render/geometry.ts';
import { Raycaster } from './render/raycaster.ts';
import type { SceneDescription } from './scene.ts';

type Placed = readonly [position: Vector3, quaternion: Quaternion];
type Geom = SceneDescription['geoms'][number];

/** Numbers of a pose: xyz in metres, quaternion wxyz. */
const POSE = 7;

const vector = (numbers: readonly number[]) => numbers as readonly number[] as Vector3;
const quaternion = (numbers: readonly number[]) => numbers as readonly number[] as Quaternion;

/** Draws a recorded scene again, without its physics: from what stands where, and the poses of what moves. */
export class ScenePainter {
  private readonly raycaster: Raycaster;
  private readonly positions: Float64Array;
  private readonly matrices: Float64Array;

  constructor(private readonly scene: SceneDescription) {
    const { geoms } = scene;
    this.positions = new Float64Array(3 * geoms.length);
    this.matrices = new Float64Array(9 * geoms.length);
    this.raycaster = new Raycaster({
      types: geoms.map(({ shape }) => GeomType[shape]),
      sizes: geoms.flatMap(({ size }) => size),
      rbound: geoms.map(boundingRadius),
      rgba: geoms.flatMap(({ colour }) => colour),
    });
  }

  /**
   * What one of the scene's cameras saw.
   * @param poses [moving, 7], in the order of the scene's `moving`
   * @param colours of geoms that have another one than at the start
   * @throws InputError for a camera that the scene does not have
   */
  picture(
    camera: string,
    poses: ArrayLike<number>,
    { width, height, colours }: { width: number; height: number; colours?: ReadonlyMap<number, readonly number[]> },
  ): Picture {
    const { scene, positions, matrices } = this;
    const eye = scene.cameras.find(({ name }) => name === camera);
    if (!eye) {
      const names = scene.cameras.map(({ name }) => name).join(', ');
      throw new InputError('ScenePainter', `no camera ${camera} (the scene has ${names}).`);
    }
    const bodies = this.bodies(poses);
    const placed = ({ body, position, quaternion: turned }: Pick<Geom, 'body' | 'position' | 'quaternion'>): Placed => {
      const [at, q] = bodies[body] as Placed;
      return [add(at, rotate(q, vector(position))), multiply(q, quaternion(turned))];
    };
    scene.geoms.forEach((geom, g) => {
      const [at, q] = placed(geom);
      positions.set(at, 3 * g);
      matrices.set(matrixOf(q), 9 * g);
    });
    const [cameraPosition, turned] = placed(eye);
    const data = this.raycaster.render({
      ...{ geomPositions: positions, geomMatrices: matrices, cameraPosition, cameraMatrix: matrixOf(turned) },
      ...{ fovyDegrees: eye.fovyDegrees, width, height, supersample: 2 as const },
      ...(colours && { rgba: scene.geoms.flatMap(({ colour }, g) => colours.get(g) ?? colour) }),
    });
    return { width, height, channels: 3, data };
  }

  private bodies(poses: ArrayLike<number>): Placed[] {
    const placed = this.scene.bodies.map(({ position, quaternion: q }): Placed => [vector(position), quaternion(q)]);
    this.scene.moving.forEach((body, k) => {
      const [x = 0, y = 0, z = 0, ...turned] = Array.from({ length: POSE }, (_, i) => poses[POSE * k + i] as number);
      placed[body] = [[x, y, z], quaternion(turned)];
    });
    return placed;
  }
}

/** Row-major, whose columns are the turned axes. */
function matrixOf(q: Quaternion): number[] {
  const [a, b, c] = [rotate(q, [1, 0, 0]), rotate(q, [0, 1, 0]), rotate(q, [0, 0, 1])];
  return [a[0], b[0], c[0], a[1], b[1], c[1], a[2], b[2], c[2]];
}

/** As MuJoCo's geom_rbound. */
function boundingRadius({ shape, size: [a = 0, b = 0, c = 0] }: Geom): number {
  return {
    plane: 0,
    sphere: a,
    capsule: a + b,
    ellipsoid: Math.max(a, b, c),
    cylinder: Math.hypot(a, b),
    box: Math.hypot(a, b, c),
  }[shape];
}
