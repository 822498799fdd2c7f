import type { EpisodeRecord } from '../../data/index.ts';
import type { Observation } from '../../robot/index.ts';
import { type Household, MUJOCO_VERSION, SCENE_VERSION } from '../world/index.ts';

/** An episode without its number. */
export type Demonstration = Omit<EpisodeRecord, 'episodeIndex'>;

/** The frames of an episode in a household, as a data set keeps them: what the robot sensed, then what it did. */
export class EpisodeLog {
  private readonly rows = {
    state: [] as Float32Array[],
    action: [] as Float32Array[],
    cameraPoses: [] as Float32Array[],
    taskInfo: [] as Float32Array[],
  };
  private readonly stages: number[] = [];
  private readonly pictures: Record<string, Uint8Array[]>;

  constructor(private readonly household: Household) {
    this.pictures = Object.fromEntries(household.robot.cameraNames.map((name) => [name, []]));
  }

  /** Frames that were acted in. */
  get frames(): number {
    return this.rows.action.length;
  }

  /**
   * Before a step: its pictures are drawn now. Where they were not (0 × 0), the last ones stand again.
   * @param stage of the task, as it truly is
   */
  look({ proprioception, pictures }: Observation, stage: number): void {
    const { household, rows } = this;
    rows.state.push(proprioception);
    rows.cameraPoses.push(household.cameraPoses());
    rows.taskInfo.push(household.taskInfo());
    this.stages.push(stage);
    for (const [name, { data }] of Object.entries(pictures)) {
      const kept = this.pictures[name];
      kept?.push(data.length > 0 ? data : (kept.at(-1) ?? data));
    }
  }

  act(action: Float32Array): void {
    this.rows.action.push(action);
  }

  /** The episode so far. @param meta what else is kept of it */
  episode(meta: EpisodeRecord['meta'], outcome?: EpisodeRecord['outcome']): Demonstration {
    const { household, rows, pictures, stages } = this;
    const { task, taskInfoKeys } = household;
    return {
      taskIndex: task.id,
      taskName: task.name,
      instruction: task.instruction,
      instance: household.instance,
      state: concatenate(rows.state),
      action: concatenate(rows.action),
      cameraPoses: concatenate(rows.cameraPoses),
      taskInfo: concatenate(rows.taskInfo),
      taskInfoKeys,
      pictures,
      skills: runs(stages).map(({ value, start, end }) => ({ name: task.skills[value] ?? '', start, end })),
      stages: Uint16Array.from(stages),
      ...(outcome && { outcome }),
      meta: { ...meta, mujoco: MUJOCO_VERSION, household: SCENE_VERSION, grasp: household.grasp },
    };
  }
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
