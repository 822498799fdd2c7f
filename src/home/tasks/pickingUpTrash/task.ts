import { box, type HomeTask } from '../../world/index.ts';
import { createTrashExpert } from './expert.ts';
import { BIN, CAN, CANS, TRASH_GOAL, TRASH_SKILLS, TrashRuntime } from './runtime.ts';

const walls = (
  [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ] as const
).map(([x, y], i) =>
  box(
    `ashcan_wall${i}`,
    [x ? BIN.wall : BIN.half, y ? BIN.wall : BIN.half, BIN.height / 2],
    [x * (BIN.half - BIN.wall), y * (BIN.half - BIN.wall), BIN.height / 2],
    '.1 .2 .42 1',
  ),
);

const cans = CANS.map(
  (name, i) => `
  <body name="${name}" pos="0 ${0.24 * (i - 1)} ${CAN.halfHeight}"><freejoint name="${name}"/>
    <geom name="${name}" type="cylinder" size="${CAN.radius} ${CAN.halfHeight}" mass=".12" condim="6" friction=".5 .01 .003" priority="1" rgba=".9 .13 .12 1"/>
    <geom class="decoration" type="cylinder" size="${CAN.radius - 0.012} .001" pos="0 0 ${CAN.halfHeight}" rgba=".62 .62 .66 1"/>
    <geom class="decoration" type="cylinder" size="${CAN.radius + 0.0008} .012" pos="0 0 0" rgba=".97 .95 .9 1"/>
  </body>`,
).join('');

/** Three soda cans on the floor; each goes into the open ash can behind them. */
export const pickingUpTrash: HomeTask<TrashRuntime> = {
  id: 1,
  name: 'picking_up_trash',
  instruction: 'Pick up the three soda cans from the floor and put them into the ash can.',
  numStages: TRASH_SKILLS.length,
  meanExpertSteps: 383,
  meanExpertMetres: { base: 1.032, left: 1.284, right: 3.91 },
  goal: TRASH_GOAL,
  expertMeasured: { episodes: 100, successes: 100 },
  skills: TRASH_SKILLS,
  bodies: `
  <body name="ashcan" pos=".38 0 0">${box('ashcan_bottom', [BIN.half, BIN.half, 0.006], [0, 0, 0.006], '.06 .1 .2 1')}${walls.join('')}</body>
  ${cans}`,
  sensors: '',
  excluded: [],
  graspable: CANS,
  create: (world) => new TrashRuntime(world),
  createExpert: createTrashExpert,
};
