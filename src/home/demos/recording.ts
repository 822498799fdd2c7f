import type { EpisodeRecord } from '../../data/index.ts';
import type { Expert } from '../expert/index.ts';
import { type Household, MUJOCO_VERSION, SCENE_VERSION } from '../world/index.ts';

/** Frames kept after the goal is reached, so that whole chunks can begin right up to the end. */
export const TAIL = 35;

/** An episode without its number. */
export type Demonstration = Omit<EpisodeRecord, 'episodeIndex'>;

/**
 * The expert plays and every frame is kept: what the robot sensed, then the action it answered with.
 * @param frames at most this many; the goal's tail may end it earlier
 * @returns undefined when the episode became invalid or the time was up
 */
export function record(
  household: Household,
  expert: Expert,
  frames: number,
  meta: EpisodeRecord['meta'] = {},
): Demonstration | undefined {
  const { task, taskInfoKeys, robot } = household;
  const state: Float32Array[] = [];
  const action: Float32Array[] = [];
  const poses: Float32Array[] = [];
  const info: Float32Array[] = [];
  const stages: number[] = [];
  const pictures: Record<string, Uint8Array[]> = Object.fromEntries(robot.cameraNames.map((name) => [name, []]));
  let tail = 0;
  while (action.length < frames && tail < TAIL) {
    const observation = household.observe();
    state.push(observation.proprioception);
    poses.push(household.cameraPoses());
    info.push(household.taskInfo());
    stages.push(expert.stage);
    for (const [name, { data }] of Object.entries(observation.pictures)) pictures[name]?.push(data);
    const next = expert.act();
    action.push(next);
    const { done, success, invalid } = household.step(next);
    if (invalid !== undefined || (done && !success)) return undefined;
    if (success) tail++;
  }
  return {
    taskIndex: task.id,
    taskName: task.name,
    instruction: task.instruction,
    instance: household.instance,
    state: concatenate(state),
    action: concatenate(action),
    cameraPoses: concatenate(poses),
    taskInfo: concatenate(info),
    taskInfoKeys,
    pictures,
    skills: runs(stages).map(({ value, start, end }) => ({ name: task.skills[value] ?? '', start, end })),
    stages: Uint16Array.from(stages),
    meta: { ...meta, mujoco: MUJOCO_VERSION, household: SCENE_VERSION, grasp: household.grasp },
  };
}

/** The expert plays without being recorded, until its goal's tail is over. */
export function rehearse(
  household: Household,
  expert: Expert,
  each: () => void = () => {},
): { success: boolean; length: number } {
  let tail = 0;
  while (tail < TAIL) {
    each();
    const { done, success, invalid } = household.step(expert.act());
    if (invalid !== undefined || (done && !success)) return { success: false, length: household.steps };
    if (success) tail++;
  }
  return { success: true, length: household.steps };
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Stretches of equal values, [start, end). */
export function runs(values: readonly number[]): { value: number; start: number; end: number }[] {
  const out: { value: number; start: number; end: number }[] = [];
  values.forEach((value, i) => {
    const last = out.at(-1);
    if (last?.value === value) last.end = i + 1;
    else out.push({ value, start: i, end: i + 1 });
  });
  return out;
}
