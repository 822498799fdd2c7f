import type { HomeTask } from '../../world/index.ts';
import { createHalloweenExpert } from './expert.ts';
import { HALLOWEEN_GOAL, HalloweenRuntime } from './runtime.ts';
import { halloweenBodies } from './scene.ts';
import { HALLOWEEN_SKILLS, STOWED } from './stages.ts';

/** Pumpkins and candles go into a drawer, which is pulled open and pushed shut; the cauldron goes beside a table. */
export const puttingAwayHalloweenDecorations: HomeTask<HalloweenRuntime> = {
  id: 2,
  name: 'putting_away_Halloween_decorations',
  instruction:
    'Put the two pumpkins and the three candles into the cabinet, close it, and put the cauldron next to the table.',
  numStages: HALLOWEEN_SKILLS.length,
  meanExpertSteps: 1125,
  meanExpertMetres: { base: 7.757, left: 7.879, right: 12.596 },
  goal: HALLOWEEN_GOAL,
  expertMeasured: { episodes: 100, successes: 100 },
  skills: HALLOWEEN_SKILLS,
  bodies: halloweenBodies,
  sensors: '',
  excluded: [['cabinet', 'drawer']],
  graspable: [...STOWED, 'cauldron', 'drawer'],
  create: (world) => new HalloweenRuntime(world),
  createExpert: createHalloweenExpert,
};
