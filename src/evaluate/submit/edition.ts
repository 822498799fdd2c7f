import { BEHAVIOR_TASKS, type BehaviorTask } from '../../robot/index.ts';

export type TestSet = 'public' | 'hidden';
export type Year = '2025' | '2026';

/** One year's challenge: what its scoring counts (docs/facts.md#scores). */
export interface Edition {
  readonly year: Year;
  /** Tasks that the overall score is a mean over. */
  readonly tasks: number;
  /** Rollouts of a task that its score is a mean over; one that is missing counts 0. */
  readonly perTask: number;
  /** Time-out as a multiple of the mean length of the human demonstrations. */
  readonly timeout: number;
  /** Instances of each test set, both ends included. In 2025 each task had its own of them, anywhere in that range. */
  readonly instances: Readonly<Record<TestSet, readonly [number, number]>>;
  /** Whether a test set is every instance of its range. */
  readonly wholeRange: boolean;
  /** Fields of a submission folder's name, which dots separate. */
  readonly nameFields: readonly string[];
  /** Time-out of a task, control steps. */
  readonly maxSteps: (task: BehaviorTask) => number;
}

export const EDITIONS: Readonly<Record<Year, Edition>> = {
  '2025': {
    year: '2025',
    tasks: 50,
    perTask: 10,
    timeout: 2,
    instances: { public: [0, 300], hidden: [0, 300] },
    wholeRange: false,
    nameFields: ['track', 'team', 'affiliation', 'date'],
    maxSteps: ({ maxSteps2025 }) => maxSteps2025,
  },
  '2026': {
    year: '2026',
    tasks: 100,
    perTask: 20,
    timeout: 1.5,
    instances: { public: [301, 320], hidden: [321, 340] },
    wholeRange: true,
    nameFields: ['track', 'testset', 'team', 'affiliation', 'date'],
    maxSteps: ({ maxSteps2026 }) => maxSteps2026,
  },
};

/** The challenge's task of that name; of the 100 tasks of 2026 the first fifty are known here. */
export const knownTask = (name: string): BehaviorTask | undefined => BEHAVIOR_TASKS.find((task) => task.name === name);

/**
 * The time score of a rollout: 1 at the mean length of the human demonstrations, 0 at the time-out.
 * @param normalizedTime human steps / steps
 */
export function timeScore({ timeout }: Edition, normalizedTime: number): number {
  return timeout / (timeout - 1) - 1 / ((timeout - 1) * normalizedTime);
}
