import type { HomeTask } from './task.ts';

/** The challenge's years, whose time-outs differ. */
export const LIMIT_YEARS = ['2025', '2026'] as const;
export type LimitYear = (typeof LIMIT_YEARS)[number];

/** Time-out as a multiple of the mean length of an expert (docs/facts.md#evaluator-loop). */
const FACTOR: Readonly<Record<LimitYear, number>> = { '2025': 2, '2026': 1.5 };

/** Time-out of a task in control steps: int(factor × mean length of the expert's episodes). */
export const timeLimit = ({ meanExpertSteps }: Pick<HomeTask, 'meanExpertSteps'>, edition: LimitYear): number =>
  Math.floor(FACTOR[edition] * meanExpertSteps);
