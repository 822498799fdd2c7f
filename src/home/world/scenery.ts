import type { Random } from '../../base/index.ts';
import { type Quaternion, type Vector3, yawQuaternion } from './geometry.ts';

/**
 * The room around the task: a floor, four walls that stop the robot, and furniture that nothing collides with. The
 * robot starts near x = -1 and looks along +x. Which pieces stand where follows from the instance.
 */

type Size = readonly [number, number, number];

export const box = (name: string, half: Size, at: Size, rgba: string, extra = '') =>
  `<geom${name ? ` name="${name}"` : ''} type="box" size="${half.join(' ')}" pos="${at.join(' ')}" rgba="${rgba}" ${extra}/>`;

/** A box that is only seen: nothing collides with it. */
export const decoration = (name: string, half: Size, at: Size, rgba: string) =>
  box(name, half, at, rgba, 'class="decoration"');
const round = (name: string, type: string, size: string, height: number, rgba: string) =>
  `<geom name="${name}" class="decoration" type="${type}" size="${size}" pos="0 0 ${height}" rgba="${rgba}"/>`;

/** Inner faces of the walls, metres. */
export const ROOM = { x: [-4, 1.85], y: [-2.45, 2.45], height: 2.6 } as const;
const WALL = 0.05;
const [BACK, FRONT] = [ROOM.x[1], ROOM.x[0]];
const SIDE = ROOM.y[1];
const MIDDLE = (BACK + FRONT) / 2;
const LENGTH = (BACK - FRONT) / 2 + 2 * WALL;
const WIDTH = SIDE + 2 * WALL;

const wall = (name: string, half: readonly [number, number], x: number, y: number, rgba: string) =>
  box(name, [...half, ROOM.height / 2], [x, y, ROOM.height / 2], rgba);

/** A piece of furniture: a body whose front looks along its -x, with its back at x = 0. */
interface Piece {
  readonly name: string;
  readonly geoms: string;
  /** Geoms whose colour differs by instance: the beginning of their names, and the colours to mix. */
  readonly paint: string;
  readonly colours: readonly [Vector3, Vector3];
}

const PIECES: readonly Piece[] = [
  {
    name: 'sofa',
    geoms: `${decoration('sofa_seat', [0.38, 0.6, 0.2], [-0.4, 0, 0.22], '.46 .4 .55 1')}
    ${decoration('sofa_back', [0.1, 0.6, 0.25], [-0.1, 0, 0.6], '.42 .36 .5 1')}
    ${decoration('sofa_arm', [0.38, 0.09, 0.3], [-0.4, -0.6, 0.3], '.4 .34 .48 1')}`,
    paint: 'sofa',
    colours: [
      [0.46, 0.4, 0.55],
      [0.35, 0.45, 0.4],
    ],
  },
  {
    name: 'plant',
    geoms: `${round('plant_pot', 'cylinder', '.16 .18', 0.18, '.7 .42 .28 1')}
    ${round('plant_leaves', 'ellipsoid', '.3 .3 .4', 0.75, '.25 .5 .25 1')}`,
    paint: 'plant_leaves',
    colours: [
      [0.25, 0.5, 0.25],
      [0.4, 0.52, 0.2],
    ],
  },
  {
    name: 'shelf',
    geoms: `${decoration('shelf_back', [0.16, 0.45, 0.8], [-0.16, 0, 0.8], '.55 .42 .3 1')}
    ${decoration('shelf_low', [0.02, 0.4, 0.2], [-0.33, 0, 0.35], '.3 .24 .2 1')}
    ${decoration('shelf_high', [0.02, 0.4, 0.2], [-0.33, 0, 1.1], '.32 .26 .22 1')}`,
    paint: 'shelf_back',
    colours: [
      [0.55, 0.42, 0.3],
      [0.88, 0.87, 0.84],
    ],
  },
  {
    name: 'lamp',
    geoms: `${round('lamp_foot', 'cylinder', '.15 .015', 0.015, '.2 .2 .22 1')}
    ${round('lamp_pole', 'cylinder', '.015 .7', 0.7, '.2 .2 .22 1')}
    ${round('lamp_shade', 'cylinder', '.18 .14', 1.5, '.95 .9 .75 1')}`,
    paint: 'lamp_shade',
    colours: [
      [0.95, 0.9, 0.75],
      [0.7, 0.5, 0.4],
    ],
  },
  {
    name: 'sideboard',
    geoms: `${decoration('sideboard_body', [0.22, 0.6, 0.35], [-0.22, 0, 0.38], '.6 .5 .38 1')}
    ${decoration('sideboard_doors', [0.01, 0.55, 0.28], [-0.45, 0, 0.38], '.68 .58 .45 1')}`,
    paint: 'sideboard_body',
    colours: [
      [0.6, 0.5, 0.38],
      [0.5, 0.52, 0.56],
    ],
  },
];

/** Where a piece may stand: against the back wall, and against the side walls in front of the robot. */
const PLACES: readonly { readonly at: readonly [number, number]; readonly along: number; readonly yaw: number }[] = [
  { at: [BACK - 0.02, 1.75], along: 0.2, yaw: 0 },
  { at: [BACK - 0.02, -1.75], along: 0.2, yaw: 0 },
  { at: [BACK - 0.02, 0.1], along: 0.5, yaw: 0 },
  { at: [0.1, SIDE - 0.02], along: 0.5, yaw: Math.PI / 2 },
  { at: [0.1, 0.02 - SIDE], along: 0.5, yaw: -Math.PI / 2 },
  { at: [-2.4, SIDE - 0.02], along: 0.6, yaw: Math.PI / 2 },
  { at: [-2.4, 0.02 - SIDE], along: 0.6, yaw: -Math.PI / 2 },
];

/** A small thing on the back wall. */
const hanging = (name: string, half: readonly [number, number], frame: string, rgba: string) => `
  <body name="${name}" pos="${BACK} 0 1.5">
    ${decoration(`${name}_frame`, [0.01, half[0] + 0.05, half[1] + 0.05], [-0.01, 0, 0], frame)}
    ${decoration(`${name}_pane`, [0.01, half[0], half[1]], [-0.02, 0, 0], rgba)}
  </body>`;

export const room = `
  <geom name="floor" type="plane" size="6 6 .1" rgba=".74 .68 .58 1"/>
  ${wall('wall_back', [WALL, WIDTH], BACK + WALL, 0, '.87 .86 .8 1')}
  ${wall('wall_front', [WALL, WIDTH], FRONT - WALL, 0, '.87 .86 .8 1')}
  ${wall('wall_left', [LENGTH, WALL], MIDDLE, SIDE + WALL, '.8 .83 .86 1')}
  ${wall('wall_right', [LENGTH, WALL], MIDDLE, -SIDE - WALL, '.84 .82 .86 1')}
  ${decoration('skirting', [0.01, SIDE, 0.05], [BACK - 0.01, 0, 0.05], '.97 .97 .95 1')}
  ${hanging('window', [0.55, 0.4], '.96 .96 .96 1', '.55 .76 .93 1')}
  ${hanging('picture', [0.3, 0.22], '.35 .24 .15 1', '.85 .62 .35 1')}
  ${PIECES.map(({ name, geoms }) => `<body name="${name}" pos="0 0 0">${geoms}</body>`).join('')}`;

/** What furnishing needs of the world. */
interface Furnished {
  placeFixed(body: string, position: Vector3, quaternion: Quaternion): void;
  paint(prefix: string, colour: Vector3): void;
  show(prefix: string, visible: boolean): void;
}

/** Chooses pieces, places and colours; window and picture hang somewhere on the back wall. */
export function furnish(world: Furnished, random: Random): void {
  const places = random.shuffle([...PLACES]);
  PIECES.forEach(({ name, paint, colours: [from, to] }, i) => {
    const place = places[i];
    const visible = place !== undefined && random.uniform() < 0.8;
    world.show(`${name}_`, visible);
    if (!visible) {
      // Nothing of an earlier scene stays with what nobody sees: recordings tell where it is.
      world.placeFixed(name, [0, 0, 0], [1, 0, 0, 0]);
      world.paint(paint, from);
      return;
    }
    const [x, y] = place.at;
    const shift = place.along * random.between(-1, 1);
    const across = place.yaw === 0;
    const away = name === 'plant' || name === 'lamp' ? 0.35 : 0; // round ones stand clear of the wall
    world.placeFixed(
      name,
      [x + (across ? -away : shift), y + (across ? shift : -away * Math.sign(y)), 0],
      yawQuaternion(place.yaw),
    );
    const share = random.uniform();
    const [red, green, blue] = [0, 1, 2].map((k) => mix(from[k] as number, to[k] as number, share));
    world.paint(paint, [red, green, blue] as Vector3);
  });
  const side = random.uniform() < 0.5 ? -1 : 1;
  world.placeFixed('window', [BACK, side * random.between(0.9, 1.6), 1.5], [1, 0, 0, 0]);
  world.placeFixed('picture', [BACK, -side * random.between(0.5, 1.5), 1.55], [1, 0, 0, 0]);
  world.paint('picture_pane', [random.between(0.3, 0.9), random.between(0.3, 0.8), random.between(0.3, 0.8)]);
}

const mix = (from: number, to: number, share: number): number => from + share * (to - from);

/** Four legs below a table top whose half width and depth are given. */
export const legs = (halfX: number, halfY: number, height: number, rgba: string) =>
  [-1, 1]
    .flatMap((sx) =>
      [-1, 1].map((sy) =>
        box('', [0.022, 0.022, height / 2], [sx * (halfX - 0.04), sy * (halfY - 0.04), height / 2], rgba),
      ),
    )
    .join('');
