import { box, decoration, type HomeTask, type Vector3 } from '../../world/index.ts';
import { createBoxesExpert } from './expert.ts';
import { BOXES, BOXES_GOAL, BOXES_SKILLS, BoxesRuntime, CARTON, PLACE } from './runtime.ts';

const [x, y, z] = CARTON.half;
const containers = BOXES.map(
  (name, i) => `
  <body name="${name}" pos="0 ${i - 0.5} ${z}"><freejoint name="${name}"/>
    ${box(name, CARTON.half, [0, 0, 0], '.2 .42 .7 1', `mass="${CARTON.mass}"`)}
    ${decoration('', [x + 0.002, y + 0.002, 0.012], [0, 0, z - 0.013], '.93 .93 .9 1')}
    ${decoration('', [0.002, 0.05, 0.035], [-x, 0, -0.02], '.95 .94 .88 1')}
  </body>`,
).join('');

const [length, width, height] = PLACE.half;
const YELLOW = '.95 .8 .15 1';
/** A painted frame around the place. */
const frame = [-1, 1]
  .flatMap((side): [Vector3, Vector3][] => [
    [
      [length, 0.02, 0.001],
      [0, side * (width - 0.02), height],
    ],
    [
      [0.02, width, 0.001],
      [side * (length - 0.02), 0, height],
    ],
  ])
  .map(([half, at]) => decoration('', half, at, YELLOW))
  .join('');

/** Two containers too wide for one hand: one goes to a marked place on the garage floor, the other on top of it. */
export const movingBoxesToStorage: HomeTask<BoxesRuntime> = {
  id: 16,
  name: 'moving_boxes_to_storage',
  instruction: 'Carry the two containers to the garage floor and stack them.',
  numStages: BOXES_SKILLS.length,
  meanExpertSteps: 395,
  meanExpertMetres: { base: 2.8, left: 4.594, right: 4.459 },
  goal: BOXES_GOAL,
  expertMeasured: { episodes: 100, successes: 100 },
  skills: BOXES_SKILLS,
  bodies: `
  <body name="garage_floor" pos=".5 0 ${PLACE.half[2]}">
    ${box('garage_floor', PLACE.half, [0, 0, 0], '.45 .47 .5 1')}
    ${frame}
  </body>${containers}`,
  sensors: '',
  excluded: [],
  graspable: [],
  wide: BOXES,
  create: (world) => new BoxesRuntime(world),
  createExpert: createBoxesExpert,
};
