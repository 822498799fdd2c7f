import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/index.ts';
import { type Matrix3, matrixAt, matrixOf, type Quaternion, type Vector3, vectorAt } from '../geometry.ts';
import { type Geoms, GeomType, type View } from './geometry.ts';
import { Raycaster } from './raycaster.ts';

/** A camera at `from` that looks at `to`, z up: row-major matrix whose columns are right, up, backward. */
function lookAt(from: Vector3, to: Vector3): Matrix3 {
  const back = normal([from[0] - to[0], from[1] - to[1], from[2] - to[2]]);
  const right = normal([-back[1], back[0], 0]);
  const up: Vector3 = [
    back[1] * right[2] - back[2] * right[1],
    back[2] * right[0] - back[0] * right[2],
    back[0] * right[1] - back[1] * right[0],
  ];
  return [right[0], up[0], back[0], right[1], up[1], back[1], right[2], up[2], back[2]];
}
function normal(v: Vector3): Vector3 {
  const l = Math.hypot(...v);
  return [v[0] / l, v[1] / l, v[2] / l];
}
function rotation(random: Random): Matrix3 {
  const [w, x, y, z]: Quaternion = [random.normal(), random.normal(), random.normal(), random.normal()];
  const l = Math.hypot(w, x, y, z);
  return matrixOf([w / l, x / l, y / l, z / l]);
}
const IDENTITY: Matrix3 = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** The shape as a question to a point of its own frame; the slow version that the renderer is compared with. */
function inside(type: number, [a, b, c]: Vector3, [x, y, z]: Vector3): boolean {
  if (type === GeomType.sphere) return Math.hypot(x, y, z) <= a;
  if (type === GeomType.ellipsoid) return Math.hypot(x / a, y / b, z / c) <= 1;
  if (type === GeomType.box) return Math.abs(x) <= a && Math.abs(y) <= b && Math.abs(z) <= c;
  if (type === GeomType.cylinder) return Math.hypot(x, y) <= a && Math.abs(z) <= b;
  if (type === GeomType.capsule) return Math.hypot(x, y, z - Math.min(b, Math.max(-b, z))) <= a;
  return z <= 0;
}

/** Walks along the ray in small steps and halves the step in which it enters; distance along the optical axis. */
function march(
  type: number,
  size: Vector3,
  position: Vector3,
  matrix: Matrix3,
  view: View,
  u: number,
  v: number,
  step = 0.002,
  far = 4,
): number {
  const [c0, c1, c2, c3, c4, c5, c6, c7, c8] = matrixAt(view.cameraMatrix, 0);
  const [px, py, pz] = vectorAt(view.cameraPosition, 0);
  const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = matrix;
  const t = Math.tan((view.fovyDegrees * Math.PI) / 360);
  const x = ((2 * (u + 0.5)) / view.width - 1) * t * (view.width / view.height);
  const y = (1 - (2 * (v + 0.5)) / view.height) * t;
  const at = (s: number): boolean => {
    const wx = px + s * (c0 * x + c1 * y - c2) - position[0];
    const wy = py + s * (c3 * x + c4 * y - c5) - position[1];
    const wz = pz + s * (c6 * x + c7 * y - c8) - position[2];
    const local: Vector3 = [m0 * wx + m3 * wy + m6 * wz, m1 * wx + m4 * wy + m7 * wz, m2 * wx + m5 * wy + m8 * wz];
    return inside(type, size, local);
  };
  for (let s = 0.01; s < far; s += step) {
    if (!at(s)) continue;
    let low = s - step;
    let high = s;
    for (let k = 0; k < 40; k++) {
      const middle = (low + high) / 2;
      if (at(middle)) high = middle;
      else low = middle;
    }
    return high;
  }
  return Number.POSITIVE_INFINITY;
}

interface Solid {
  readonly type: number;
  readonly size: Vector3;
  readonly position?: Vector3;
  readonly matrix?: Matrix3;
  readonly rgba?: readonly number[];
}

function scene(list: readonly Solid[]): Geoms & Pick<View, 'geomPositions' | 'geomMatrices'> {
  return {
    types: list.map((g) => g.type),
    sizes: list.flatMap((g) => g.size),
    rbound: list.map(({ type, size: [a, b, c] }) =>
      type === GeomType.plane
        ? 0
        : type === GeomType.capsule
          ? a + b
          : type === GeomType.cylinder
            ? Math.hypot(a, b)
            : type === GeomType.box
              ? Math.hypot(a, b, c)
              : Math.max(a, b, c),
    ),
    rgba: list.flatMap((g) => g.rgba ?? [0.5, 0.5, 0.5, 1]),
    geomPositions: list.flatMap((g) => g.position ?? [0, 0, 0]),
    geomMatrices: list.flatMap((g) => g.matrix ?? IDENTITY),
  };
}
function camera(from: Vector3, to: Vector3, size = 24, fovyDegrees = 50) {
  return { cameraPosition: from, cameraMatrix: lookAt(from, to), fovyDegrees, width: size, height: size };
}

const SHAPES: readonly [string, number, Vector3][] = [
  ['plane', GeomType.plane, [0, 0, 0.1]],
  ['sphere', GeomType.sphere, [0.3, 0, 0]],
  ['capsule', GeomType.capsule, [0.12, 0.3, 0]],
  ['ellipsoid', GeomType.ellipsoid, [0.4, 0.15, 0.25]],
  ['cylinder', GeomType.cylinder, [0.2, 0.25, 0]],
  ['box', GeomType.box, [0.3, 0.2, 0.15]],
];

describe('each primitive', () => {
  it.each(SHAPES)('%s: every pixel agrees with walking along its ray', (_name, type, size) => {
    const random = Random.of('raycaster', type);
    for (let trial = 0; trial < 6; trial++) {
      const matrix = type === GeomType.plane ? IDENTITY : rotation(random);
      const position: Vector3 =
        type === GeomType.plane
          ? [0, 0, -0.3]
          : [random.between(-0.2, 0.2), random.between(-0.2, 0.2), random.between(-0.2, 0.2)];
      const s = scene([{ type, size, position, matrix }]);
      // Trial 5 stands so near that part of the shape lies behind the camera.
      const from: Vector3 =
        trial === 5 ? [0.42, 0.1, 0.35] : [random.between(0.9, 1.5), random.between(-1, 1), random.between(0.3, 1)];
      const view: View = { ...s, ...camera(from, [0, 0, 0], 16) };
      const raycaster = new Raycaster(s);
      raycaster.render(view);
      const depth = raycaster.depth();
      let hits = 0;
      let disagreements = 0;
      for (const [i, seen] of depth.entries()) {
        const slow = march(type, size, position, matrix, view, i % view.width, Math.floor(i / view.width));
        const hit = seen < 4;
        if (hit) hits++;
        if (Number.isFinite(slow) !== hit)
          disagreements++; // a grazing ray that the walk steps over
        else if (Number.isFinite(slow)) expect(Math.abs(seen - slow)).toBeLessThan(1e-5);
      }
      expect(hits).toBeGreaterThan(10);
      expect(disagreements).toBeLessThanOrEqual(2);
    }
  });

  it('loses no pixel where it stands beside the camera, or reaches behind it', () => {
    const random = Random.of('raycaster', 'beside');
    let hits = 0;
    for (const [, type, size] of SHAPES.filter(([name]) => name !== 'plane'))
      for (let trial = 0; trial < 8; trial++) {
        const matrix = rotation(random);
        const position: Vector3 = [random.between(-0.4, 0.4), random.between(-0.4, 0.4), random.between(-0.4, 0.4)];
        const s = scene([{ type, size, position, matrix }]);
        const view: View = { ...s, ...camera([0.01, 0.02, 0], [1, 0, 0], 10, 90) };
        const local = (k: number) =>
          -(matrix[k]! * position[0] + matrix[3 + k]! * position[1] + matrix[6 + k]! * position[2]);
        if (inside(type, size, [local(0), local(1), local(2)])) continue;
        const raycaster = new Raycaster(s);
        raycaster.render(view);
        let lost = 0;
        for (const [i, seen] of raycaster.depth().entries()) {
          const slow = march(type, size, position, matrix, view, i % view.width, Math.floor(i / view.width), 0.004, 2);
          if (Number.isFinite(slow) && slow > 0.02) hits++;
          if (Number.isFinite(slow) && slow > 0.02 && !Number.isFinite(seen)) lost++;
        }
        expect(lost).toBe(0);
      }
    expect(hits).toBeGreaterThan(300);
  });

  it('is where the formula says, straight ahead', () => {
    for (const [type, size, expected] of [
      [GeomType.sphere, [0.5, 0, 0], 1.5],
      [GeomType.capsule, [0.2, 0.4, 0], 1.8],
      [GeomType.ellipsoid, [0.6, 0.2, 0.3], 1.4],
      [GeomType.cylinder, [0.25, 0.5, 0], 1.75],
      [GeomType.box, [0.3, 0.4, 0.2], 1.7],
    ] as const) {
      const s = scene([{ type, size }]);
      const raycaster = new Raycaster(s);
      raycaster.render({ ...s, ...camera([2, 0, 0], [0, 0, 0], 21) });
      expect(raycaster.depth()[10 * 21 + 10]).toBeCloseTo(expected, 6);
    }
  });

  it('from above: the caps of cylinder and capsule, and the floor', () => {
    const down = { cameraPosition: [0, 0, 3], cameraMatrix: IDENTITY, fovyDegrees: 40, width: 11, height: 11 };
    for (const [type, size, expected] of [
      [GeomType.cylinder, [0.5, 0.4, 0], 2.6],
      [GeomType.capsule, [0.2, 0.4, 0], 2.4],
      [GeomType.plane, [0, 0, 1], 3],
    ] as const) {
      const s = scene([{ type, size }]);
      const raycaster = new Raycaster(s);
      raycaster.render({ ...s, ...down });
      expect(raycaster.depth()[60]).toBeCloseTo(expected, 6);
    }
  });

  it('a finite plane ends where it ends', () => {
    const s = scene([{ type: GeomType.plane, size: [0.5, 0.25, 1] }]);
    const raycaster = new Raycaster(s);
    raycaster.render({
      ...s,
      cameraPosition: [0, 0, 1],
      cameraMatrix: IDENTITY,
      fovyDegrees: 90,
      width: 40,
      height: 40,
    });
    expect(raycaster.segmentation().filter((g) => g === 0)).toHaveLength(20 * 10);
  });
});

describe('a scene', () => {
  const red = [1, 0, 0, 1];
  const green = [0, 1, 0, 1];
  const box: Solid = { type: GeomType.box, size: [0.1, 0.5, 0.5], position: [0, 0, 0], rgba: red };
  const ball: Solid = { type: GeomType.sphere, size: [0.2, 0, 0], position: [0.6, 0, 0], rgba: green };
  const boxes = [box, ball];

  it('the nearer hides the farther, in either order', () => {
    for (const list of [boxes, [...boxes].reverse()]) {
      const s = scene(list);
      const raycaster = new Raycaster(s);
      const picture = raycaster.render({ ...s, ...camera([2, 0, 0], [0, 0, 0], 33) });
      const middle = 16 * 33 + 16;
      expect(list[raycaster.segmentation()[middle]!]?.rgba).toBe(green);
      expect(raycaster.depth()[middle]).toBeCloseTo(1.2, 6);
      expect(picture[3 * middle + 1]).toBeGreaterThan(150);
      expect(picture[3 * middle]).toBe(0);
      const seen = new Set(raycaster.segmentation());
      expect(seen).toEqual(new Set([-1, 0, 1]));
    }
  });

  it('lamp and headlight: a face towards the lamp is brighter, and the light adds up as written', () => {
    const s = scene([{ type: GeomType.box, size: [0.3, 0.3, 0.3], rgba: [0.5, 0.5, 0.5, 1] }]);
    const raycaster = new Raycaster(s);
    const top = raycaster.render({
      ...s,
      cameraPosition: [0, 0, 2],
      cameraMatrix: IDENTITY,
      fovyDegrees: 10,
      width: 3,
      height: 3,
    });
    const lamp = 0.9 / Math.hypot(0.35, 0.25, 0.9);
    expect(top[12]).toBe(Math.round(127.5 * (0.38 + 0.5 * lamp + 0.22)));
    const side = raycaster.render({ ...s, ...camera([-2, 0, 0], [0, 0, 0], 3, 10) });
    expect(side[12]).toBe(Math.round(127.5 * (0.38 + 0.22)));
  });

  it('colours and glow of one picture do not change the next', () => {
    const s = scene(boxes);
    const raycaster = new Raycaster(s);
    const view = { ...s, ...camera([2, 0, 0], [0, 0, 0], 33) };
    const before = raycaster.render(view);
    const middle = 3 * (16 * 33 + 16);
    const blue = raycaster.render({ ...view, rgba: [1, 0, 0, 1, 0, 0, 1, 1] });
    expect(blue[middle + 1]).toBe(0);
    expect(blue[middle + 2]).toBeGreaterThan(150);
    const glowing = raycaster.render({ ...view, rgba: [1, 0, 0, 1, 0, 0.5, 0, 1], emission: [0, 0.5] });
    const plain = raycaster.render({ ...view, rgba: [1, 0, 0, 1, 0, 0.5, 0, 1] });
    expect(glowing[middle + 1]! - plain[middle + 1]!).toBeGreaterThanOrEqual(63);
    expect(raycaster.render({ ...view, rgba: [1, 0, 0, 1, 0, 0, 1, 0] })[middle]).toBeGreaterThan(150);
    expect(raycaster.render(view)).toEqual(before);
  });

  it('what is not visible is not there', () => {
    const s = scene([box, { ...ball, rgba: [0, 1, 0, 0] }]);
    const raycaster = new Raycaster(s);
    raycaster.render({ ...s, ...camera([2, 0, 0], [0, 0, 0]) });
    expect(raycaster.segmentation()).not.toContain(1);
    const hidden = new Raycaster({ ...scene(boxes), visible: [1, 0] });
    hidden.render({ ...s, ...camera([2, 0, 0], [0, 0, 0]) });
    expect(hidden.segmentation()).not.toContain(1);
  });

  it('supersampling is the mean of the picture at twice the size', () => {
    const s = scene([...boxes, { type: GeomType.plane, size: [0, 0, 1], position: [0, 0, -0.5] }]);
    const raycaster = new Raycaster(s);
    const view = { ...s, ...camera([1.6, 0.4, 0.7], [0, 0, 0], 16) };
    const soft = raycaster.render({ ...view, supersample: 2 });
    const depth = raycaster.depth();
    const fine = raycaster.render({ ...view, width: 32, height: 32 });
    const fineDepth = raycaster.depth();
    for (let v = 0; v < 16; v++)
      for (let u = 0; u < 16; u++) {
        const corners = [0, 1, 32, 33].map((k) => 64 * v + 2 * u + k);
        expect(depth[16 * v + u]).toBe(Math.min(...corners.map((k) => fineDepth[k]!)));
        for (let c = 0; c < 3; c++)
          expect(
            Math.abs(soft[3 * (16 * v + u) + c]! - corners.reduce((sum, k) => sum + fine[3 * k + c]!, 0) / 4),
          ).toBeLessThanOrEqual(0.5);
      }
  });

  it('refuses arrays that do not fit and shapes that it cannot draw', () => {
    const s = scene(boxes);
    expect(() => new Raycaster({ ...s, sizes: [1] })).toThrow(/do not fit together/);
    expect(() => new Raycaster({ ...s, types: [7, 2] })).toThrow(/geom 0 has type 7/);
    expect(() => new Raycaster(s).render({ ...s, ...camera([2, 0, 0], [0, 0, 0]) }, new Uint8Array(5))).toThrow(
      /out has 5 bytes/,
    );
  });
});
