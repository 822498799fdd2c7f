import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { resizeWithPad } from '../../src/picture/index.ts';
import {
  CHALLENGE_ROBOT,
  type Observation,
  type Picture,
  type Planner,
  type PlanRequest,
  type Prediction,
  type Robot,
} from '../../src/robot/index.ts';

import { actionFromWire, type Packable, type WireValue, writeObservation } from '../../src/wire/index.ts';
import { latch } from './latch.ts';

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

/** An observation of the challenge's robot on the wire, by the name that its evaluator gives it. */
export function wireObservation(observation: Observation, name = 'robot_r1'): { [key: string]: Packable } {
  const message = Object.entries(writeObservation(observation, CHALLENGE_ROBOT));
  return Object.fromEntries(message.map(([key, value]) => [key.replaceAll('robot_r1', name), value]));
}

/** A reply's action of the challenge's robot. */
export const actionOf = (reply: WireValue): Float32Array => actionFromWire(reply, CHALLENGE_ROBOT);

/**
 * Computes a plan from the request alone: row t is the state plus t/100 plus the first camera's first pixel /1000, of
 * the picture resized as a network's planner does it; the logits vote for the present stage.
 */
export class ArithmeticPlanner implements Planner {
  imageSize = 8;
  requests: PlanRequest[] = [];
  /** Milliseconds that a plan takes. */
  delayMs = 0;
  /** Plans that were asked for, made or not. */
  asked = 0;
  /** Plans wait for this. */
  private gate: Promise<void> | undefined;
  /** Thrown instead of a plan when set. */
  failure: Error | undefined;
  /** Put into the plan when set. */
  poison: number | undefined;

  constructor(readonly robot: Robot = CHALLENGE_ROBOT) {}

  /** No plan is made until what this returns is called. */
  hold(): () => void {
    const { opened, open } = latch();
    this.gate = opened;
    return open;
  }

  async plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    const { horizon, width } = this.robot;
    this.asked += requests.length;
    await this.gate;
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    if (this.failure) throw this.failure;
    this.requests.push(...requests);
    return requests.map((asked) => {
      const request = { ...asked, pictures: this.resized(asked) };
      const actions = Float64Array.from({ length: horizon * width }, (_, i) =>
        plannedNumber(request, Math.floor(i / width), i % width),
      );
      if (this.poison !== undefined) actions[5] = this.poison;
      const stageLogits = new Float32Array(15).fill(-1);
      stageLogits[request.stage] = 1;
      return { actions, horizon, stageLogits };
    });
  }

  async close(): Promise<void> {}

  private resized({ pictures }: PlanRequest): PlanRequest['pictures'] {
    const [first] = Object.entries(pictures);
    if (!first) return {};
    const [name, picture] = first;
    const size = this.imageSize;
    return { [name]: { width: size, height: size, channels: 3, data: resizeWithPad(picture, size) } };
  }
}

/** Plans that differ by seed. */
export class SeededPlanner extends ArithmeticPlanner {
  override async plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    const { horizon, width } = this.robot;
    const predictions = await super.plan(requests);
    for (const [i, { seed }] of requests.entries()) {
      const sum = [...seed].reduce((all, letter, at) => all + letter.charCodeAt(0) * (at + 1), 0);
      for (let at = 3; at < horizon * width; at += width) predictions[i]!.actions[at]! += sum / 1000;
    }
    return predictions;
  }
}

export function plannedNumber({ state, pictures }: PlanRequest, t: number, i: number): number {
  const [first] = Object.values(pictures);
  return (state[i] ?? 0) + t / 100 + (first?.data[0] ?? 0) / 1000;
}
