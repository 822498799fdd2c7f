import { buttonBody, pressSensors, TABLE, tableBody } from '../../fixtures/index.ts';
import { box, type HomeTask } from '../../world/index.ts';
import { createCountingExpert } from './expert.ts';
import { BALL, BELL, BOX, COUNTING_GOAL, CountingRuntime } from './runtime.ts';
import { COUNTING_SKILLS, COUNTING_SUCCESSORS, MOST_BALLS } from './stages.ts';

/** A ball that is let go on the table comes to rest. */
const ROLLING = 'condim="6" friction=".8 .02 .004" priority="1"';
const WHITE = '.9 .9 .86 1';

/** The nest's inner half width, chosen so that the ball rests at `BALL.height`. */
const NEST = { half: 0.018, wall: 0.004, top: BALL.height - Math.sqrt(BALL.radius ** 2 - 0.018 ** 2) };

/** Four upright walls around a square, from a height to another. */
const square = (name: string, inner: number, wall: number, [from, to]: readonly [number, number], rgba: string) =>
  (
    [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const
  )
    .map(([x, y], i) => {
      const along = inner + 2 * wall;
      const half = [x ? wall : along, y ? wall : along, (to - from) / 2] as const;
      return box(`${name}${i}`, half, [x * (inner + wall), y * (inner + wall), (from + to) / 2], rgba);
    })
    .join('');

const stand = `
  <body name="stand" pos=".15 0 ${TABLE.top}">
    <geom name="stand_foot" type="cylinder" size=".04 .004" pos="0 0 .004" rgba="${WHITE}"/>
    <geom name="stand_pole" type="cylinder" size=".02 .016" pos="0 0 .016" rgba="${WHITE}"/>
    ${square('stand_nest', NEST.half, NEST.wall, [0.03, NEST.top], WHITE)}
  </body>
  <body name="ball" pos=".15 0 ${TABLE.top + BALL.height}"><freejoint name="ball"/>
    <geom name="ball" type="sphere" size="${BALL.radius}" mass=".06" ${ROLLING} rgba=".95 .25 .1 1"/>
  </body>`;

const boxBody = `
  <body name="box" pos=".15 .17 ${TABLE.top}">
    ${box('box_floor', [BOX.half, BOX.half, 0.004], [0, 0, 0.004], '.03 .03 .05 1')}
    ${square('box_wall', BOX.half, BOX.wall / 2, [0, BOX.height], '.2 .35 .75 1')}
  </body>`;

const bell = `
  <body name="bell_base" pos=".15 -.17 ${TABLE.top}">
    <geom name="bell_foot" type="cylinder" size=".05 .018" pos="0 0 .018" rgba=".3 .3 .34 1"/>
    <geom name="ring_bell" type="cylinder" size="${BELL.radius + 0.01} .004" pos="0 0 .038" rgba="${WHITE}"/>
    ${buttonBody('bell', [0, 0, BELL.top], BELL.radius, '.85 .7 .2 1')}
  </body>`;

const lamps = Array.from({ length: MOST_BALLS }, (_, i) => {
  const at = `-.012 ${0.075 * (1 - i)} .15`;
  return `<geom name="lamp_${i}" class="decoration" type="box" size=".006 .025 .03" pos="${at}" rgba=".2 .2 .18 1"/>`;
}).join('');
const sign = `
  <body name="sign" pos=".38 0 ${TABLE.top}">
    ${box('sign_post', [0.012, 0.012, 0.05], [0, 0, 0.05], '.3 .3 .34 1')}
    ${box('sign_board', [0.01, 0.13, 0.055], [0, 0, 0.15], '.78 .8 .83 1')}${lamps}
  </body>`;

/** A probe of memory for how often: so many balls into the box as the sign told, then the bell. */
export const countingBalls: HomeTask<CountingRuntime> = {
  id: 50,
  name: 'counting_balls_into_box',
  instruction: 'Read the number on the sign, put as many balls into the box, then ring the bell.',
  numStages: COUNTING_SKILLS.length,
  stageSuccessors: COUNTING_SUCCESSORS,
  meanExpertSteps: 594,
  meanExpertMetres: { base: 0.413, left: 0.506, right: 2.067 },
  chance: 1 / MOST_BALLS,
  goal: COUNTING_GOAL,
  expertMeasured: { episodes: 100, successes: 100 },
  skills: COUNTING_SKILLS,
  bodies: `${tableBody}${stand}${boxBody}${bell}${sign}`,
  sensors: pressSensors('bell'),
  excluded: [['bell_base', 'bell']],
  graspable: ['ball'],
  create: (world) => new CountingRuntime(world),
  createExpert: createCountingExpert,
};
