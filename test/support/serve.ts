import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  CHALLENGE_ROBOT,
  type Observation,
  type Picture,
  type Planner,
  type PlanRequest,
  type Prediction,
} from '../../src/robot/index.ts';

/** For tests only: a planner that computes, a describer of messages in the golden files' form, made-up observations. */

const GOLDEN = new URL('../golden/wire/', import.meta.url);

export function goldenBytes({ file, gzip }: { file: string; gzip: boolean }): Uint8Array {
  const bytes = readFileSync(new URL(file, GOLDEN));
  return gzip ? gunzipSync(bytes) : bytes;
}

export function goldenJson<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(file, GOLDEN), 'utf8')) as T;
}

export function goldenLines<T>(file: string): T[] {
  return readFileSync(new URL(file, GOLDEN), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

export function picture(shade: number, side = 8, channels: 3 | 4 = 3): Picture {
  return { width: side, height: side, channels, data: new Uint8Array(side * side * channels).fill(shade) };
}

/** A robot at rest with open grippers; `joint` moves its left arm, `shade` colours its pictures. */
export function fakeObservation({
  taskId = 1,
  joint = 0.1,
  shade = 100,
  side = 8,
  length = 256 as 256 | 61,
} = {}): Observation {
  const proprioception = new Float32Array(length);
  const arm = length === 256 ? 158 : 3;
  proprioception.fill(joint, arm, arm + 7);
  // Grippers half open, so that no rule fires.
  for (const finger of length === 256 ? [193, 194, 232, 233] : [24, 25, 49, 50]) proprioception[finger] = 0.025;
  const pictures = Object.fromEntries(
    CHALLENGE_ROBOT.cameraNames.map((camera) => [camera, picture(shade, side)]),
  ) as Observation['pictures'];
  return { proprioception, pictures, taskId };
}

/** Computes a plan from the request alone: row t is the state plus t/100 plus the head picture's first pixel /1000; the logits vote for the present stage. */
export class ArithmeticPlanner implements Planner {
  readonly imageSize = 8;
  readonly robot = CHALLENGE_ROBOT;
  requests: PlanRequest[] = [];
  /** Milliseconds that a plan takes. */
  delayMs = 0;
  /** Thrown instead of a plan when set. */
  failure: Error | undefined;
  /** Put into the plan when set. */
  poison: number | undefined;

  async plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    if (this.failure) throw this.failure;
    this.requests.push(...requests);
    return requests.map((request) => {
      const actions = new Float64Array(30 * 23);
      for (let t = 0; t < 30; t++) for (let i = 0; i < 23; i++) actions[t * 23 + i] = plannedNumber(request, t, i);
      if (this.poison !== undefined) actions[5] = this.poison;
      const stageLogits = new Float32Array(15).fill(-1);
      stageLogits[request.stage] = 1;
      return { actions, horizon: 30, stageLogits };
    });
  }

  async close(): Promise<void> {}
}

export function plannedNumber({ state, pictures }: PlanRequest, t: number, i: number): number {
  return state[i]! + t / 100 + pictures.head.data[0]! / 1000;
}
