import { drawerBody } from '../../fixtures/index.ts';
import { box, type HomeTask } from '../../world/index.ts';
import { createDrawerExpert } from './expert.ts';
import { CHEST, DRAWER, DRAWER_GOAL, DrawerRuntime } from './runtime.ts';
import { DRAWER_SKILLS, DRAWER_SUCCESSORS, DRAWERS } from './stages.ts';

const [depth, width, height] = DRAWER.half;
const WOOD = '.5 .36 .24 1';
/** Half the chest's depth and width. */
const [halfX, halfY] = [depth + 0.02, 1.5 * CHEST.apart + 0.01];
const middle = halfX + 0.005;
const [low, high] = [CHEST.height - height - 0.02, CHEST.top];

const feet = [-1, 1]
  .map((side) => {
    const at = [middle, side * (halfY - 0.06), low / 2] as const;
    return box(`chest_foot${side}`, [halfX - 0.03, 0.03, low / 2], at, WOOD);
  })
  .join('');

const chest = `
  <body name="chest" pos=".05 0 0">
    ${box('chest_top', [halfX, halfY, 0.01], [middle, 0, high - 0.01], WOOD)}
    ${box('chest_bottom', [halfX, halfY, 0.008], [middle, 0, low], WOOD)}
    ${box('chest_back', [0.008, halfY, (high - low) / 2], [2 * halfX, 0, (high + low) / 2], WOOD)}
    ${[-1.5, -0.5, 0.5, 1.5]
      .map((side, i) =>
        box(
          `chest_wall${i}`,
          [halfX, (CHEST.apart - 2 * width) / 2 - 0.004, (high - low) / 2],
          [middle, side * CHEST.apart, (high + low) / 2],
          WOOD,
        ),
      )
      .join('')}
    ${feet}
  </body>`;

const drawers = DRAWERS.map((name, i) => {
  const body = drawerBody(name, [0.05, CHEST.apart * (1 - i), CHEST.height], DRAWER, '.82 .76 .66 1');
  const at = `${depth} 0 ${0.06 - height}`;
  const ball = `<geom name="ball_${name}" class="decoration" type="sphere" size=".045" pos="${at}" rgba="1 .3 .1 1"/>`;
  return body.replace('</body>', `${ball}</body>`);
}).join('');

/** A probe of memory for what is out of sight: the drawer that was shown open with a ball in it is to be opened. */
export const openingShownDrawer: HomeTask<DrawerRuntime> = {
  id: 51,
  name: 'opening_shown_drawer',
  instruction: 'Watch which drawer holds the ball, then open that drawer and no other.',
  numStages: DRAWER_SKILLS.length,
  stageSuccessors: DRAWER_SUCCESSORS,
  meanExpertSteps: 245,
  meanExpertMetres: { base: 0.481, left: 0.572, right: 0.811 },
  chance: 1 / 3,
  goal: DRAWER_GOAL,
  expertMeasured: { episodes: 100, successes: 100 },
  skills: DRAWER_SKILLS,
  bodies: `${chest}${drawers}`,
  sensors: '',
  excluded: DRAWERS.map((name) => ['chest', name] as const),
  graspable: DRAWERS,
  create: (world) => new DrawerRuntime(world),
  createExpert: createDrawerExpert,
};
