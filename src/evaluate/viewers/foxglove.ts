import type { SceneDescription } from '../../home/index.ts';

/*
 * The messages that Foxglove draws (docs.foxglove.dev, schemas), as JSON: scenes of primitives, frames, pictures; and
 * JSON Schemas of them.
 */

const number = { type: 'number' } as const;
const string = { type: 'string' } as const;
const object = (properties: Readonly<Record<string, object>>) => ({ type: 'object', properties }) as const;
const list = (items: object) => ({ type: 'array', items }) as const;
const TIME = object({ sec: { type: 'integer' }, nsec: { type: 'integer' } });
const VECTOR = object({ x: number, y: number, z: number });
const QUATERNION = object({ x: number, y: number, z: number, w: number });
const POSE = object({ position: VECTOR, orientation: QUATERNION });
const COLOUR = object({ r: number, g: number, b: number, a: number });
const PRIMITIVE = { pose: POSE, size: VECTOR, color: COLOUR };

export const FRAMES_SCHEMA = object({
  transforms: list(
    object({
      timestamp: TIME,
      parent_frame_id: string,
      child_frame_id: string,
      translation: VECTOR,
      rotation: QUATERNION,
    }),
  ),
});

export const SCENE_SCHEMA = object({
  deletions: list(object({ timestamp: TIME, type: { type: 'integer' }, id: string })),
  entities: list(
    object({
      timestamp: TIME,
      frame_id: string,
      id: string,
      lifetime: TIME,
      frame_locked: { type: 'boolean' },
      cubes: list(object(PRIMITIVE)),
      spheres: list(object(PRIMITIVE)),
      cylinders: list(object({ ...PRIMITIVE, bottom_scale: number, top_scale: number })),
    }),
  ),
});

const PICTURE_SCHEMA = object({
  timestamp: TIME,
  frame_id: string,
  data: { type: 'string', contentEncoding: 'base64' },
  format: string,
});

/** A camera's picture as a message. @param file PNG or JPEG */
export const pictureMessage = (camera: string, file: Buffer, format: 'png' | 'jpeg', time: bigint) => ({
  timestamp: stamp(time),
  frame_id: camera,
  data: file.toString('base64'),
  format,
});

/** The channel of a camera. */
export const pictureChannel = (camera: string) => ({
  topic: `/camera/${camera}`,
  schema: 'foxglove.CompressedImage',
  jsonSchema: PICTURE_SCHEMA,
});

/** Seconds since the beginning, as messages have them. */
export const stamp = (time: bigint) => ({ sec: Number(time / 1_000_000_000n), nsec: Number(time % 1_000_000_000n) });

export const vector = ([x = 0, y = 0, z = 0]: ArrayLike<number> & Iterable<number>) => ({ x, y, z });
/** @param numbers w, x, y, z, as MuJoCo has them */
export const quaternion = ([w = 1, x = 0, y = 0, z = 0]: Iterable<number>) => ({ x, y, z, w });

type Geom = SceneDescription['geoms'][number];

/** Half the side of a plane that has none, metres; and its thickness. */
const PLANE = { half: 8, thick: 0.002 };

/** A geom's primitives; MuJoCo's sizes are halves. A capsule is a cylinder with a sphere at each end. */
export function primitives({ shape, size, position, quaternion: turn, colour }: Geom) {
  const [a = 0, b = 0, c = 0] = size;
  const [r = 0, g = 0, blue = 0, alpha = 1] = colour;
  const pose = { position: vector(position), orientation: quaternion(turn) };
  const of = (x: number, y: number, z: number) => ({ pose, size: { x, y, z }, color: { r, g, b: blue, a: alpha } });
  const tube = { ...of(2 * a, 2 * a, 2 * b), bottom_scale: 1, top_scale: 1 };
  switch (shape) {
    case 'box':
      return { cubes: [of(2 * a, 2 * b, 2 * c)] };
    case 'sphere':
      return { spheres: [of(2 * a, 2 * a, 2 * a)] };
    case 'ellipsoid':
      return { spheres: [of(2 * a, 2 * b, 2 * c)] };
    case 'cylinder':
      return { cylinders: [tube] };
    case 'capsule': {
      const axis = turned(turn, b);
      const end = (sign: number) => ({
        ...of(2 * a, 2 * a, 2 * a),
        pose: { ...pose, position: vector(position.map((value, i) => value + sign * (axis[i] as number))) },
      });
      return { cylinders: [tube], spheres: [end(1), end(-1)] };
    }
    default:
      return { cubes: [of(2 * (a || PLANE.half), 2 * (b || PLANE.half), PLANE.thick)] };
  }
}

/** The vector (0, 0, length), turned. */
const turned = ([w = 1, x = 0, y = 0, z = 0]: readonly number[], length: number): [number, number, number] => [
  2 * length * (x * z + w * y),
  2 * length * (y * z - w * x),
  length * (1 - 2 * (x * x + y * y)),
];
