import { buttonBody, doorBody, longTable, pressSensors, TABLE } from '../../fixtures/index.ts';
import { box, decoration, type HomeTask } from '../../world/index.ts';
import { createPopcornExpert } from './expert.ts';
import { BAG, BUTTON, MICROWAVE, OVEN_DOOR, POPCORN_GOAL, POPCORN_SKILLS, PopcornRuntime, WORKTOP } from './runtime.ts';

const STEEL = '.76 .77 .79 1';
const [depth, width, height] = MICROWAVE.half;
const { floor, wall, panel } = MICROWAVE;
const middle = floor + height;
const beside = -width - wall - panel;

const shell = [
  box('microwave_shell_floor', [depth, width + wall, floor / 2], [depth, 0, floor / 2], STEEL),
  box('microwave_shell_top', [depth, width + wall, wall / 2], [depth, 0, floor + 2 * height + wall / 2], STEEL),
  box('microwave_shell_back', [wall / 2, width + wall, height], [2 * depth + wall / 2, 0, middle], '.5 .5 .52 1'),
  box('microwave_shell_left', [depth, wall / 2, height], [depth, width + wall / 2, middle], STEEL),
  box(
    'microwave_panel',
    [depth, panel + wall / 2, height + floor / 2],
    [depth, beside, height + floor / 2],
    '.22 .23 .26 1',
  ),
  decoration('microwave_display', [0.003, 0.04, 0.018], [-0.001, beside, middle + 0.065], '.2 .5 .45 1'),
].join('');

const grains = [
  [0, 0.012],
  [0.022, -0.012],
  [-0.022, -0.01],
]
  .map(
    ([x, y], i) =>
      `<geom name="popcorn_${i}" class="decoration" type="sphere" size=".017" pos="${x} ${y} ${BAG[2]}" ` +
      'rgba="1 .97 .8 1"/>',
  )
  .join('');

/**
 * A bag of popcorn, out of sight at first, goes into a microwave, whose door is closed and whose button is pressed;
 * then it cooks. Behind the closed door nobody sees whether the bag is in.
 */
export const makeMicrowavePopcorn: HomeTask<PopcornRuntime> = {
  id: 40,
  name: 'make_microwave_popcorn',
  instruction: 'Put the bag of popcorn into the microwave, close it, and cook the popcorn.',
  numStages: POPCORN_SKILLS.length,
  meanExpertSteps: 573,
  meanExpertMetres: { base: 2.173, left: 3.898, right: 4.383 },
  goal: POPCORN_GOAL,
  expertMeasured: { episodes: 100, successes: 100 },
  skills: POPCORN_SKILLS,
  bodies: `${longTable(WORKTOP.halfY)}
  <body name="microwave" pos=".2 0 ${TABLE.top}">${shell}
    ${doorBody(
      'microwave_door',
      OVEN_DOOR,
      [-0.014, width + wall, floor - 0.01],
      STEEL,
      decoration(
        'microwave_window',
        [0.002, OVEN_DOOR.width / 2 - 0.055, 0.07],
        [-0.013, -OVEN_DOOR.width / 2 + 0.02, OVEN_DOOR.height / 2],
        '.1 .11 .13 1',
      ),
    )}
    <body name="microwave_front" pos="-.02 ${beside} ${middle - 0.02}" euler="0 -1.5708 0">
      ${buttonBody(BUTTON.name, [0, 0, 0], BUTTON.radius, '.2 .75 .3 1')}
    </body>
  </body>
  <body name="bag" pos="0 -.3 1"><freejoint name="bag"/>
    ${box('bag', BAG, [0, 0, 0], '.93 .87 .7 1', 'mass=".12" condim="6" friction=".8 .02 .005" priority="1"')}
    ${decoration('', [BAG[0] + 0.001, BAG[1] + 0.001, 0.018], [0, 0, 0.005], '.85 .15 .12 1')}
    <body name="popcorn" pos="0 0 0">${grains}</body>
  </body>`,
  sensors: pressSensors(BUTTON.name),
  excluded: [
    ['microwave', 'microwave_door'],
    ['microwave', BUTTON.name],
    ['microwave_door', BUTTON.name],
  ],
  graspable: ['bag', 'microwave_door'],
  handles: ['microwave_door'],
  create: (world) => new PopcornRuntime(world),
  createExpert: createPopcornExpert,
};
