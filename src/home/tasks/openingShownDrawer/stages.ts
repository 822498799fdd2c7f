import type { StageSuccessors } from '../../../robot/index.ts';

/** From the robot's left to its right. */
export const DRAWERS = ['left_drawer', 'middle_drawer', 'right_drawer'] as const;

const PULL = 1 + DRAWERS.length;

/** What has been seen so far, or whether its handle is in the hand. */
export const drawerStage = ({ seen, shown, held }: { seen: boolean; shown: number; held: boolean }): number =>
  held ? PULL : seen ? 1 + shown : 0;

/** One for each stage. */
export const DRAWER_SKILLS: readonly string[] = [
  'watch the drawers',
  ...DRAWERS.map((name) => `go to the ${name.replace('_', ' ')} and take its handle`),
  'pull the drawer open',
];

/** What is seen decides the way; once a handle is in the hand, the ways are one again. */
export const DRAWER_SUCCESSORS: StageSuccessors = [DRAWERS.map((_, i) => 1 + i), ...DRAWERS.map(() => [PULL]), []];
