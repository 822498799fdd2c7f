import { doorBody, tableBody } from '../../fixtures/index.ts';
import { box, type HomeTask } from '../../world/index.ts';
import { createWaterExpert } from './expert.ts';
import { BOTTLE, BOTTLES, DOOR, FRIDGE, WATER_GOAL, WATER_SKILLS, WaterRuntime } from './runtime.ts';

const WHITE = '.88 .9 .92 1';
const [depth, width, height] = FRIDGE.half;
const { floor, wall } = FRIDGE;
const middle = floor + height;

const shell = [
  box('fridge_shell_stand', [depth, width + wall, (floor - 2 * wall) / 2], [depth, 0, (floor - 2 * wall) / 2], WHITE),
  box('fridge_shell_floor', [depth, width + wall, wall], [depth, 0, floor - wall], WHITE),
  box('fridge_shell_top', [depth, width + wall, wall], [depth, 0, floor + 2 * height + wall], WHITE),
  box('fridge_shell_back', [wall, width + wall, height], [2 * depth + wall, 0, middle], '.7 .74 .78 1'),
  ...[-1, 1].map((side) =>
    box(`fridge_shell_side${side}`, [depth, wall / 2, height], [depth, side * (width + wall / 2), middle], WHITE),
  ),
].join('');

const bottles = BOTTLES.map(
  (name) => `
  <body name="${name}" pos="1 0 1"><freejoint name="${name}"/>
    <geom name="${name}" type="cylinder" size="${BOTTLE.radius} ${BOTTLE.half}" mass=".3" rgba=".2 .5 .85 1"
      condim="6" friction=".7 .02 .005" priority="1"/>
    <geom class="decoration" type="cylinder" size=".014 .02" pos="0 0 ${BOTTLE.half + 0.018}" rgba=".95 .95 .97 1"/>
    <geom class="decoration" type="cylinder" size="${BOTTLE.radius + 0.001} .025" pos="0 0 -.02" rgba=".96 .97 .98 1"/>
  </body>`,
).join('');

/** Two bottles of water behind a fridge's door: they go to the table, and the door is closed again. */
export const bringingWater: HomeTask<WaterRuntime> = {
  id: 17,
  name: 'bringing_water',
  instruction: 'Bring the two bottles of water from the fridge to the table and close the fridge.',
  numStages: WATER_SKILLS.length,
  meanExpertSteps: 692,
  meanExpertMetres: { base: 3.294, left: 5.155, right: 6.207 },
  goal: WATER_GOAL,
  expertMeasured: { episodes: 100, successes: 98 },
  skills: WATER_SKILLS,
  bodies: `${tableBody}
  <body name="fridge" pos="0 .2 0">${shell}
    ${doorBody('fridge_door', DOOR, [-0.016, width + wall / 2, floor - 0.01], WHITE)}
  </body>${bottles}`,
  sensors: '',
  excluded: [['fridge', 'fridge_door']],
  graspable: [...BOTTLES, 'fridge_door'],
  handles: ['fridge_door'],
  create: (world) => new WaterRuntime(world),
  createExpert: createWaterExpert,
};
