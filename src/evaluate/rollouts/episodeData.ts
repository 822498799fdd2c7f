import { type EncodedEpisode, type EpisodeLayout, encodeEpisode } from '../../data/index.ts';
import { EpisodeLog, type Household } from '../../home/index.ts';
import type { Observation, PlanRecord, PolicyNote } from '../../robot/index.ts';
import type { Unit } from '../ledger/index.ts';
import type { EpisodeRecorder, EpisodeResult } from './episode.ts';

/** Where rollouts become episodes of a data set; plain data. */
export interface DataSettings {
  readonly folder: string;
  readonly layout: EpisodeLayout;
  /** Number of the episode of each unit, by its name. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Who plays: kept beside each episode's outcome. */
  readonly policy: Readonly<Record<string, unknown>>;
}

/**
 * Keeps a rollout as an episode of a data set: what the policy was given and what it did, frame by frame, and what
 * became of it. One recorder is one rollout.
 */
export class EpisodeData implements EpisodeRecorder {
  private readonly log: EpisodeLog;
  private readonly rewards: number[] = [];
  private readonly predicted = { success: [] as number[], progress: [] as number[] };
  private q = 0;
  /** What the heads said at the last plan. */
  private heads: PlanRecord['heads'];

  constructor(private readonly household: Household) {
    this.log = new EpisodeLog(household);
  }

  start(): void {
    this.q = this.household.q();
  }

  observe(observation: Observation): void {
    const { household } = this;
    this.log.look(observation, Math.min(household.situation().stage, household.task.numStages - 1));
  }

  step(action: ArrayLike<number>, _note: PolicyNote | undefined, plan?: PlanRecord): void {
    this.log.act(Float32Array.from(action));
    const q = this.household.q();
    this.rewards.push(q - this.q);
    this.q = q;
    if (plan) this.heads = plan.heads;
    const { success, progress } = this.heads ?? {};
    if (success !== undefined) this.predicted.success.push(success);
    if (progress !== undefined) this.predicted.progress.push(progress);
  }

  end(): void {}

  /** Writes the episode's own files, numbered as its unit is. @returns what the data set's index needs of it */
  write(
    unit: Unit,
    number: number,
    { q, success, steps, maxSteps }: Pick<EpisodeResult, 'q' | 'success' | 'steps' | 'maxSteps'>,
    { folder, layout, policy }: DataSettings,
  ): Promise<EncodedEpisode> {
    const { rewards, predicted } = this;
    const ofAll = (values: readonly number[]) =>
      values.length > 0 && values.length === rewards.length ? Float32Array.from(values) : undefined;
    const [predictedSuccess, predictedProgress] = [ofAll(predicted.success), ofAll(predicted.progress)];
    const seconds = steps / this.household.robot.rate;
    const episode = this.log.episode(
      { source: 'rollout', rollout: { q, success, steps, maxSteps, seconds, policy } },
      {
        rewards: Float32Array.from(rewards),
        success,
        ...(predictedSuccess && { predictedSuccess }),
        ...(predictedProgress && { predictedProgress }),
      },
    );
    return encodeEpisode({ ...episode, episodeIndex: number, trajectory: unit.rollout }, folder, layout);
  }
}
