import { join } from 'node:path';
import type { Vector3 } from '../../home/index.ts';
import { type LedgerLine, unitName } from '../ledger/index.ts';
import { readRolloutScene, readStepLines, readTrack, type StepLine } from '../rollouts/index.ts';

/** A recorded episode as rules look at it. Frame 0 is the start, frame i is after step i. */
export interface RecordedEpisode {
  readonly line: LedgerLine;
  readonly steps: readonly StepLine[];
  readonly frames: number;
  /** Control steps a second. */
  readonly rate: number;
  /** Bodies that move and are no part of the robot. */
  readonly objects: readonly string[];
  /** Where a body is, metres, world frame. */
  at(frame: number, body: string): Vector3;
  /** The z axis of a body, world frame. */
  up(frame: number, body: string): Vector3;
}

/** Bodies of the household's robot. */
const ROBOT = /^(base|torso_link\d|(left|right)_(arm|finger)_link\d)$/;
const NUMBERS = 7;

/** Reads the recording of a ledger's line. @throws when it is not there, or damaged */
export async function readRecordedEpisode(folder: string, line: LedgerLine): Promise<RecordedEpisode> {
  const at = join(folder, 'rollouts', unitName(line));
  const { scene } = readRolloutScene(at);
  const [track, steps] = [await readTrack(at), readStepLines(at)];
  const names = scene.moving.map((body) => scene.bodies[body]?.name ?? '');
  return recordedEpisode({ line, steps, names, track, rate: scene.framesPerSecond });
}

/** @param track float32 [frames, names, 7]: xyz, quaternion wxyz */
export function recordedEpisode(given: {
  line: LedgerLine;
  steps: readonly StepLine[];
  names: readonly string[];
  track: Float32Array;
  rate: number;
}): RecordedEpisode {
  const { line, steps, names, track, rate } = given;
  const width = names.length * NUMBERS;
  const number = new Map(names.map((name, i) => [name, i]));
  const pose = (frame: number, body: string): Float32Array => {
    const first = frame * width + (number.get(body) ?? 0) * NUMBERS;
    return track.subarray(first, first + NUMBERS);
  };
  return {
    line,
    steps,
    rate,
    frames: track.length / width,
    objects: names.filter((name) => !ROBOT.test(name)),
    at: (frame, body) => pose(frame, body).subarray(0, 3) as unknown as Vector3,
    up: (frame, body) => {
      const [w = 1, x = 0, y = 0, z = 0] = pose(frame, body).subarray(3);
      return [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)];
    },
  };
}
