import type { Household } from '../../home/index.ts';
import type { Observation, Picture, Robot } from '../../robot/index.ts';

/** How a control step ended. */
export interface EnvironmentStep {
  /** The episode is over: success, time-out or invalid. */
  readonly done: boolean;
  readonly success: boolean;
  /** Why the episode does not count. */
  readonly invalid?: string;
}

/**
 * What a policy is evaluated in: one robot with one task. The household is one (`householdEnvironment`); any other
 * simulator becomes one by these few members, whatever its robot.
 */
export interface Environment {
  readonly robot: Robot;
  /** Name of the task. */
  readonly task: string;
  /** Time-out in control steps. */
  readonly maxSteps: number;
  /** Control steps since the reset. */
  readonly steps: number;
  /** Starts an episode; the same instance gives the same scene. */
  reset(instance: number): void | Promise<void>;
  observe(): Observation | Promise<Observation>;
  /** Plays one action [width] for one control step. */
  step(action: Float32Array): EnvironmentStep | Promise<EnvironmentStep>;
  /** The score if the episode ended now, 0…1. */
  q(): number;
  /** Metres travelled since the reset, where they are measured. */
  distances?(): { readonly base: number; readonly left: number; readonly right: number };
  /** The literals of the goal, whether each holds now, and whether it held at the start. */
  goal?(): {
    readonly literals: readonly { readonly text: string; readonly value: boolean; readonly initial: boolean }[];
  };
}

/** A household as an environment. Pictures are drawn when somebody looks: a policy looks only when it plans. */
export function householdEnvironment(household: Household): Environment {
  return {
    robot: household.robot,
    task: household.task.name,
    get maxSteps() {
      return household.maxSteps;
    },
    get steps() {
      return household.steps;
    },
    reset: (instance) => household.reset(instance),
    observe: () => lazyObservation(household),
    step: (action) => household.step(action),
    q: () => household.q(),
    distances: () => household.distances(),
    goal: () => household.goal(),
  };
}

/** What the robot senses; good until the next step. */
function lazyObservation(household: Household): Observation {
  const { proprioception, taskId } = household.observe({ cameras: false });
  const pictures: Record<string, Picture> = {};
  for (const name of household.robot.cameraNames) {
    let drawn: Picture | undefined;
    Object.defineProperty(pictures, name, { enumerable: true, get: () => (drawn ??= household.cameraPicture(name)) });
  }
  return { proprioception, taskId, pictures };
}
