import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { RolloutScene, StepLine } from './rolloutRecorder.ts';

/*
 * What a `RolloutRecorder` wrote, read again. Small files, read at once: a thousand rollouts by way of other threads
 * take longer. Every function throws when its file is not there, or damaged.
 */

/** @param rollout the rollout's folder */
export const readRolloutScene = (rollout: string): RolloutScene =>
  JSON.parse(readFileSync(join(rollout, 'scene.json'), 'utf8')) as RolloutScene;

/** float32 [frames, moving bodies, 7] */
export async function readTrack(rollout: string): Promise<Float32Array> {
  const bytes = await promisify(gunzip)(readFileSync(join(rollout, 'track.bin')), { chunkSize: 1 << 20 });
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** @param textOf what is parsed of a line; all of it when left out */
export const readStepLines = (rollout: string, textOf: (line: string) => string = (line) => line): StepLine[] =>
  readFileSync(join(rollout, 'steps.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(textOf(line)) as StepLine);
