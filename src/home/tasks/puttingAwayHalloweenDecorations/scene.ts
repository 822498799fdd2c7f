import { type DrawerShape, drawerBody, longTable, TABLE } from '../../fixtures/index.ts';
import { box, decoration, type Vector3 } from '../../world/index.ts';
import { CANDLES, PUMPKINS } from './stages.ts';

/** Metres. The drawer's front is at its body's origin, the cabinet's front in the same plane. */
export const CABINET_DRAWER: DrawerShape = { half: [0.17, 0.19, 0.075], range: 0.27 };
export const CABINET = { height: 0.46, top: 0.57, halfY: 0.22 };
export const TABLE_HALF_Y = 0.42;
/** The stool beside the table. */
export const STOOL = { half: 0.085, top: 0.42, apart: 0.015 };
/** Half sizes of what can be held, as a hand feels it. */
export const PUMPKIN: Vector3 = [0.034, 0.034, 0.024];
export const CANDLE: Vector3 = [0.018, 0.018, 0.042];
export const CAULDRON: Vector3 = [0.038, 0.038, 0.038];

const WOOD = '.42 .3 .22 1';
const FRONT = '.62 .5 .4 1';
const [depth, width, height] = CABINET_DRAWER.half;
const low = CABINET.height - height - 0.012;
const high = (CABINET.top - low) / 2;
const middle = depth + 0.02;

const cabinet = `
  <body name="cabinet" pos=".0 .35 0">
    ${box('cabinet_top', [depth + 0.02, CABINET.halfY, 0.012], [middle, 0, CABINET.top - 0.012], WOOD)}
    ${box('cabinet_base', [depth + 0.02, CABINET.halfY, low / 2], [middle, 0, low / 2], WOOD)}
    ${box('cabinet_back', [0.01, CABINET.halfY, high], [2 * depth + 0.03, 0, low + high], WOOD)}
    ${[-1, 1]
      .map((side) =>
        box(
          `cabinet_side${side}`,
          [depth + 0.02, (CABINET.halfY - width) / 2 - 0.004, high],
          [middle, (side * (CABINET.halfY + width + 0.008)) / 2, low + high],
          WOOD,
        ),
      )
      .join('')}
    ${[-1, 1]
      .map((side) =>
        decoration(
          `cabinet_door${side}`,
          [0.006, width / 2 - 0.008, low / 2 - 0.04],
          [-0.004, (side * width) / 2, low / 2 + 0.01],
          FRONT,
        ),
      )
      .join('')}
  </body>`;

const stool = `
  <body name="stool" pos="0 -.8 0">
    ${box('stool_seat', [STOOL.half, STOOL.half, 0.015], [0, 0, STOOL.top - 0.015], '.55 .2 .16 1')}
    ${[-1, 1]
      .flatMap((sx) => [-1, 1].map((sy) => [sx * (STOOL.half - 0.02), sy * (STOOL.half - 0.02)] as const))
      .map(([x, y], i) =>
        box(`stool_leg${i}`, [0.014, 0.014, STOOL.top / 2 - 0.015], [x, y, STOOL.top / 2 - 0.015], '.3 .2 .13 1'),
      )
      .join('')}
  </body>`;

/** A free body: hands and tables feel a box, which nobody sees; what is seen lies around it. */
const free = (name: string, half: Vector3, mass: number, looks: string): string => `
  <body name="${name}" pos="0 0 1"><freejoint name="${name}"/>
    ${box(name, half, [0, 0, 0], '1 1 1 0', `mass="${mass}" condim="3" friction=".7 .02 .005" priority="1"`)}${looks}
  </body>`;

const looks = (name: string, type: string, size: string, at: string, rgba: string): string =>
  `<geom name="${name}" class="decoration" type="${type}" size="${size}" pos="${at}" rgba="${rgba}"/>`;

const pumpkins = PUMPKINS.map((name) =>
  free(
    name,
    PUMPKIN,
    0.12,
    looks(`${name}_skin`, 'ellipsoid', '.04 .04 .034', '0 0 .011', '.95 .5 .1 1') +
      looks(`${name}-stem`, 'cylinder', '.006 .012', '0 0 .05', '.25 .4 .12 1'),
  ),
).join('');

const candles = CANDLES.map((name) =>
  free(
    name,
    CANDLE,
    0.08,
    looks(`${name}-wax`, 'cylinder', `${CANDLE[0] + 0.003} ${CANDLE[2]}`, '0 0 0', '.9 .88 .8 1') +
      looks(`${name}-wick`, 'cylinder', '.003 .008', `0 0 ${CANDLE[2] + 0.008}`, '.15 .12 .1 1') +
      looks(`${name}-flame`, 'ellipsoid', '.006 .006 .011', `0 0 ${CANDLE[2] + 0.02}`, '1 .75 .2 1'),
  ),
).join('');

const cauldron = free(
  'cauldron',
  CAULDRON,
  0.2,
  looks('cauldron_pot', 'cylinder', `${CAULDRON[0] + 0.002} ${CAULDRON[2]}`, '0 0 0', '.16 .16 .19 1') +
    looks('cauldron_rim', 'cylinder', '.046 .006', `0 0 ${CAULDRON[2] - 0.004}`, '.16 .16 .19 1') +
    looks('cauldron-brew', 'cylinder', '.036 .002', `0 0 ${CAULDRON[2] + 0.002}`, '.35 .85 .25 1') +
    [0, 1, 2]
      .map((i) =>
        looks(
          `cauldron-bubble${i}`,
          'sphere',
          '.009',
          `${[0.012, -0.015, 0.006][i]} ${[0.012, 0.004, -0.017][i]} ${CAULDRON[2] + 0.004}`,
          '.6 .95 .4 1',
        ),
      )
      .join(''),
);

export const halloweenBodies = `${longTable(TABLE_HALF_Y)}${cabinet}
  ${drawerBody('drawer', [0, 0.35, CABINET.height], CABINET_DRAWER, FRONT)}
  ${stool}${pumpkins}${candles}${cauldron}`;

/** Height of what stands on the table. */
export const onTable = (half: Vector3): number => TABLE.top + half[2];
