import { Random, ValetError } from '../../base/index.ts';
import { createExpert, type Expert, type Household, INSTANCE_RANGES, openHousehold } from '../../home/index.ts';
import { type Observation, type Policy, type PolicyNote, type Robot, stateOf } from '../../robot/index.ts';

/** The base gets no velocity. */
function atRest(action: Float32Array, { baseColumns }: Robot): Float32Array {
  for (const column of baseColumns) action[column] = 0;
  return action;
}

/** Holds still: the base gets no velocity, every joint the place where it was measured when the episode began. */
export class HoldPolicy implements Policy {
  private action: Float32Array | undefined;

  constructor(readonly robot: Robot) {}

  async reset(): Promise<void> {
    this.action = undefined;
  }

  async act({ proprioception }: Observation): Promise<Float32Array> {
    this.action ??= atRest(stateOf(this.robot, proprioception), this.robot);
    return this.action;
  }

  async close(): Promise<void> {}
}

/** Plays recorded actions without looking, then keeps the last pose with the base at rest. */
export class ReplayPolicy implements Policy {
  private at = 0;

  /** @param actions [T, width] */
  constructor(
    private readonly actions: Float32Array,
    readonly robot: Robot,
  ) {
    if (actions.length < robot.width) throw new ValetError('ReplayPolicy', 'there is no action to replay.');
  }

  async reset(): Promise<void> {
    this.at = 0;
  }

  async act(): Promise<Float32Array> {
    const { width } = this.robot;
    const last = this.actions.length / width - 1;
    const row = Math.min(this.at, last);
    const action = this.actions.slice(row * width, (row + 1) * width);
    if (this.at > last) atRest(action, this.robot);
    this.at++;
    return action;
  }

  async close(): Promise<void> {}
}

/** The expert that makes the demonstrations; it sees the world itself, not the observation. */
export class ExpertPolicy implements Policy {
  private readonly expert: Expert;

  constructor(household: Household) {
    this.expert = createExpert(household);
  }

  get note(): PolicyNote {
    return { planned: false, stage: this.expert.stage };
  }

  async reset(): Promise<void> {}

  async act(): Promise<Float32Array> {
    return this.expert.act();
  }

  async close(): Promise<void> {
    this.expert.close();
  }
}

/**
 * The actions [T, width] of a fresh demonstration: the expert on a random training instance, another one for each seed.
 */
export async function demonstrationActions(task: string, seed: string): Promise<Float32Array> {
  const random = Random.of('replay', task, seed);
  const household = await openHousehold(task);
  try {
    for (let attempt = 0; attempt < 20; attempt++) {
      household.reset(INSTANCE_RANGES.train[0] + random.integer(1_000_000));
      const expert = createExpert(household);
      const actions: Float32Array[] = [];
      let result = { done: false, success: false };
      while (!result.done) {
        const action = expert.act().slice();
        actions.push(action);
        result = household.step(action);
      }
      expert.close();
      if (result.success) return Float32Array.from(actions.flatMap((action) => [...action]));
    }
  } finally {
    household.close();
  }
  throw new ValetError('replay', `the expert failed in 20 scenes of ${task}; there is no demonstration to replay.`);
}

/** The actions [T, width] of a random episode of the task in a data set. @throws ValetError when it has none */
export async function recordedActions(folder: string, taskId: number, seed: string): Promise<Float32Array> {
  const { openDataset } = await import('../../data/index.ts');
  const dataset = await openDataset(folder);
  const episodes = dataset.episodes.filter((episode) => episode.taskIndex === taskId);
  if (episodes.length === 0) throw new ValetError(folder, `holds no demonstration of task ${taskId}.`);
  const chosen = episodes[Random.of('replay', taskId, seed).integer(episodes.length)] as (typeof episodes)[number];
  const { action } = await dataset.columns(chosen, ['action']);
  return Float32Array.from(action.data);
}
