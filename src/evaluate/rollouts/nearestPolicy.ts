import { Random } from '../../base/index.ts';
import { createExpert, type Household, INSTANCE_RANGES, openHousehold } from '../../home/index.ts';
import {
  type Observation,
  type Picture,
  type Policy,
  type PolicyNote,
  type Robot,
  stateOf,
} from '../../robot/index.ts';

/** Demonstrations that are remembered, unless told. */
export const NEAREST_DEMONSTRATIONS = 50;
/** A demonstration is remembered at every so many steps; so many of its actions are played before the next look. */
const STRIDE = 5;
const CHUNK = 15;
/** Side of the shrunken pictures, pixels. */
const SIDE = 16;

/** One remembered moment: what was seen and felt, and where it stands. */
interface Moment {
  readonly look: Float32Array;
  readonly state: Float32Array;
  readonly demonstration: number;
  readonly step: number;
}

/** What is remembered of a task. */
export interface DemonstrationMemory {
  readonly moments: readonly Moment[];
  /** Of each demonstration: actions [T, width]. */
  readonly actions: readonly Float32Array[][];
  /** Mean squares about the mean: of a picture's number, and of each number of the state. */
  readonly lookVariance: number;
  readonly stateVariance: Float64Array;
}

/** Demonstrations of the expert on train instances; the same task, count and size of pictures give the same ones. */
export async function rememberTask(task: string, count: number, imageSize: number): Promise<DemonstrationMemory> {
  const random = Random.of('nearest', task);
  const household = await openHousehold(task, { imageSize });
  const expert = createExpert(household);
  const moments: Moment[] = [];
  const actions: Float32Array[][] = [];
  try {
    for (let attempt = 0; attempt < 3 * count && actions.length < count; attempt++) {
      household.reset(INSTANCE_RANGES.train[0] + random.integer(1_000_000));
      const own: Moment[] = [];
      const played: Float32Array[] = [];
      let result = { done: false, success: false };
      while (!result.done) {
        if (played.length % STRIDE === 0)
          own.push({
            ...seen(household.observe(), household.robot),
            demonstration: actions.length,
            step: played.length,
          });
        const action = expert.act().slice();
        played.push(action);
        result = household.step(action);
      }
      if (!result.success) continue;
      actions.push(played);
      moments.push(...own);
    }
  } finally {
    expert.close();
    household.close();
  }
  return { moments, actions, ...variances(moments) };
}

/** Does what the most similar moment of a demonstration was followed by: a policy that remembers and learns nothing. */
export class NearestPolicy implements Policy {
  readonly robot: Robot;
  private from: { readonly demonstration: number; readonly step: number } | undefined;
  private played = 0;
  private planned = false;

  constructor(
    private readonly memory: DemonstrationMemory,
    household: Household,
  ) {
    this.robot = household.robot;
  }

  get note(): PolicyNote {
    return { planned: this.planned, stage: 0 };
  }

  async reset(): Promise<void> {
    this.from = undefined;
    this.played = 0;
  }

  async act(observation: Observation): Promise<Float32Array> {
    this.planned = this.from === undefined || this.played === CHUNK;
    if (this.planned) {
      this.from = this.nearest(observation);
      this.played = 0;
    }
    const { demonstration, step } = this.from ?? { demonstration: 0, step: 0 };
    const rows = this.memory.actions[demonstration] ?? [];
    const at = step + this.played++;
    const action = (rows[Math.min(at, rows.length - 1)] as Float32Array).slice();
    if (at >= rows.length) for (const column of this.robot.baseColumns) action[column] = 0;
    return action;
  }

  async close(): Promise<void> {}

  /** Pictures and state count the same: each by its squared distance in units of how much it varies. */
  private nearest(observation: Observation): Moment {
    const { moments, lookVariance, stateVariance } = this.memory;
    const now = seen(observation, this.robot);
    let best = moments[0] as Moment;
    let least = Number.POSITIVE_INFINITY;
    for (const moment of moments) {
      const look = meanSquare(now.look, moment.look, () => lookVariance);
      const away = look + meanSquare(now.state, moment.state, (i) => stateVariance[i] as number);
      if (away < least) [best, least] = [moment, away];
    }
    return best;
  }
}

const meanSquare = (a: Float32Array, b: Float32Array, variance: (i: number) => number): number =>
  a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2 / variance(i), 0) / a.length;

function seen(observation: Observation, robot: Robot): { look: Float32Array; state: Float32Array } {
  const looks = robot.cameraNames.map((name) => shrunk(observation.pictures[name] as Picture));
  return {
    look: Float32Array.from(looks.flatMap((look) => [...look])),
    state: stateOf(robot, observation.proprioception),
  };
}

/** Means of the pixels that fall into each of SIDE × SIDE cells, RGB in 0…1. */
export function shrunk({ data, width, height, channels }: Picture): Float32Array {
  const sums = new Float32Array(3 * SIDE * SIDE);
  const counts = new Float32Array(SIDE * SIDE);
  for (let v = 0; v < height; v++)
    for (let u = 0; u < width; u++) {
      const cell = Math.floor((v * SIDE) / height) * SIDE + Math.floor((u * SIDE) / width);
      counts[cell] = (counts[cell] as number) + 1;
      const from = channels * (v * width + u);
      for (let k = 3 * cell, at = from; at < from + 3; k++, at++)
        sums[k] = (sums[k] as number) + (data[at] as number) / 255;
    }
  return sums.map((sum, i) => sum / Math.max(1, counts[Math.floor(i / 3)] as number));
}

function variances(moments: readonly Moment[]): Pick<DemonstrationMemory, 'lookVariance' | 'stateVariance'> {
  const spread = (rows: readonly Float32Array[], column: number): number => {
    const mean = rows.reduce((sum, row) => sum + (row[column] as number), 0) / rows.length;
    return rows.reduce((sum, row) => sum + ((row[column] as number) - mean) ** 2, 0) / rows.length;
  };
  const looks = moments.map(({ look }) => look);
  const states = moments.map(({ state }) => state);
  const ofLooks = Array.from({ length: looks[0]?.length ?? 0 }, (_, column) => spread(looks, column));
  return {
    lookVariance: Math.max(1e-6, ofLooks.reduce((sum, value) => sum + value, 0) / Math.max(1, ofLooks.length)),
    stateVariance: Float64Array.from({ length: states[0]?.length ?? 0 }, (_, i) => Math.max(1e-6, spread(states, i))),
  };
}
