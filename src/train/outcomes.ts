import { InputError, present, significant } from '../base/index.ts';
import { chunkCount, type Dataset, demonstrationOf, type Episode } from '../data/index.ts';
import { type AdvantageOptions, advantageWeight, expectedReturns, returnsToGo } from './advantage.ts';
import type { RunConfig } from './config.ts';

/** What the outcome of its episode says of a sample; what is unknown is left out. */
interface SampleOutcome {
  /** How much its actions count; the mean over a data set of rollouts is 1, and demonstrations count 1. */
  readonly weight: number;
  readonly success?: boolean | undefined;
  /** Share of the time that has passed, of an episode that reaches its goal. */
  readonly progress?: number | undefined;
}

/** A rollout as it was recorded. */
interface Rollout {
  readonly key: string;
  readonly task: number;
  readonly success: boolean;
  readonly rewards: ArrayLike<number>;
  readonly stages: ArrayLike<number>;
  readonly heads: { readonly success: ArrayLike<number>; readonly progress: ArrayLike<number> } | undefined;
}

/** Of one episode. */
interface EpisodeEntry {
  readonly weights?: Float32Array;
  readonly success?: boolean;
  /** Its first frame among all frames of the demonstration, and their number. */
  readonly time?: { readonly start: number; readonly fullLength: number };
}

const REWARD = 'next.reward';
const SUCCESS = 'next.success';
const HEADS = ['prediction.success', 'prediction.progress'] as const;

/** What training must know of outcomes, of all episodes of its data. */
export class Outcomes {
  private constructor(private readonly entries: ReadonlyMap<string, EpisodeEntry>) {}

  /**
   * Reads the outcomes of the data sets; undefined where nothing of the configuration asks for them.
   * @throws InputError when what it asks for is in none of the data sets
   */
  static async read(
    sets: readonly Dataset[],
    { advantage, model, endPadding }: Pick<RunConfig, 'advantage' | 'model' | 'endPadding'>,
    log: (line: string) => void,
  ): Promise<Outcomes | undefined> {
    const wanted = {
      weights: advantage.baseline !== 'none',
      success: model.successLossWeight > 0,
      progress: model.progressLossWeight > 0,
    };
    if (!wanted.weights && !wanted.success && !wanted.progress) return undefined;
    const entries = new Map<string, EpisodeEntry>();
    const all: Rollout[][] = [];
    for (const [folder, set] of sets.entries()) {
      const isRollouts = REWARD in set.info.features;
      const rollouts: Rollout[] = [];
      for (const episode of set.episodes) {
        const key = keyOf(folder, episode.index);
        if (isRollouts) {
          const rollout = await readRollout(set, episode, key, advantage.baseline === 'head');
          rollouts.push(rollout);
          const { success } = rollout;
          entries.set(key, { success, ...(success && { time: { start: 0, fullLength: episode.length } }) });
        } else if (wanted.progress && (await set.metaInfo(episode))?.['source'] !== 'correction')
          entries.set(key, { time: await demonstrationOf(set, episode) });
      }
      all.push(rollouts);
    }
    const rollouts = all.flat();
    if ((wanted.weights || wanted.success) && rollouts.length === 0)
      throw new InputError(
        wanted.weights ? 'advantage.baseline' : 'model.successLossWeight',
        'no data set tells what became of its episodes. Record rollouts: valet eval --record-data.',
      );
    if (wanted.progress && ![...entries.values()].some(({ time }) => time))
      throw new InputError('model.progressLossWeight', 'no episode of the data is known to reach its goal.');
    if (wanted.weights) {
      const advantages = advantagesOf(rollouts, advantage);
      const rule = { horizon: model.actionHorizon, endPadding };
      for (const own of all) weigh(own, advantages, { advantage, rule, entries });
      log(summary(rollouts, entries));
    }
    return new Outcomes(entries);
  }

  at(folder: number, episode: number, frame: number): SampleOutcome {
    const { weights, success, time } = this.entries.get(keyOf(folder, episode)) ?? {};
    return {
      weight: weights?.[frame] ?? 1,
      success,
      progress: time && Math.min(1, (time.start + frame) / time.fullLength),
    };
  }
}

const keyOf = (folder: number, episode: number): string => `${folder}/${episode}`;

async function readRollout(set: Dataset, episode: Episode, key: string, heads: boolean): Promise<Rollout> {
  const missing = heads && HEADS.find((name) => !(name in set.info.features));
  if (missing)
    throw new InputError(
      set.root,
      `has no ${missing}: it is of a policy without both heads. Say advantage.baseline=stage, or train them ` +
        'first (model.successLossWeight, model.progressLossWeight).',
    );
  const columns = await set.columns(episode, [REWARD, SUCCESS, ...(heads ? HEADS : [])]);
  const column = (name: (typeof HEADS)[number]) => present(columns[name], name).data;
  return {
    ...{ key, task: episode.taskIndex },
    success: columns[SUCCESS].data.at(-1) === 1,
    rewards: columns[REWARD].data,
    stages: (await set.stages(episode)) ?? new Uint16Array(episode.length),
    heads: heads ? { success: column('prediction.success'), progress: column('prediction.progress') } : undefined,
  };
}

/** Return to go minus the baseline, of every frame, by rollout. */
function advantagesOf(
  rollouts: readonly Rollout[],
  { baseline, discount }: AdvantageOptions,
): Map<Rollout, Float64Array> {
  const returns = new Map(rollouts.map((rollout) => [rollout, returnsToGo(rollout.rewards, discount)]));
  const stageOf = ({ task, stages }: Rollout, t: number) => `${task}/${stages[t]}`;
  const means = new Map<string, { sum: number; count: number }>();
  if (baseline === 'stage')
    for (const [rollout, values] of returns)
      for (const [t, value] of values.entries()) {
        const mean = means.get(stageOf(rollout, t)) ?? { sum: 0, count: 0 };
        means.set(stageOf(rollout, t), { sum: mean.sum + value, count: mean.count + 1 });
      }
  const lengths = new Map<number, number>();
  if (baseline === 'head')
    for (const task of new Set(rollouts.map((rollout) => rollout.task))) lengths.set(task, meanLength(rollouts, task));
  return new Map(
    [...returns].map(([rollout, values]) => {
      if (rollout.heads) {
        const expected = expectedReturns(rollout.heads, rollout.rewards, {
          discount,
          length: present(lengths.get(rollout.task), 'the length of a task'),
        });
        return [rollout, values.map((value, t) => value - (expected[t] as number))];
      }
      return [
        rollout,
        values.map((value, t) => {
          const { sum, count } = present(means.get(stageOf(rollout, t)), 'the mean of a stage');
          return value - sum / count;
        }),
      ];
    }),
  );
}

/** Mean length of a task's rollouts that reached the goal; of all where none did. */
function meanLength(rollouts: readonly Rollout[], task: number): number {
  const own = rollouts.filter((rollout) => rollout.task === task);
  const successes = own.filter(({ success }) => success);
  const counted = successes.length > 0 ? successes : own;
  return counted.reduce((sum, { rewards }) => sum + rewards.length, 0) / counted.length;
}

/** Weights of a data set's frames; their mean over frames at which a chunk can begin is 1. */
function weigh(
  rollouts: readonly Rollout[],
  advantages: ReadonlyMap<Rollout, Float64Array>,
  {
    advantage,
    rule,
    entries,
  }: {
    readonly advantage: AdvantageOptions;
    readonly rule: Parameters<typeof chunkCount>[1];
    readonly entries: Map<string, EpisodeEntry>;
  },
): void {
  const raw = rollouts.map((rollout) =>
    present(advantages.get(rollout), 'advantages').map((value) => advantageWeight(value, advantage)),
  );
  const starts = raw.flatMap((weights) => [...weights.subarray(0, chunkCount(weights.length, rule))]);
  const mean = starts.reduce((sum, weight) => sum + weight, 0) / Math.max(1, starts.length) || 1;
  for (const [i, { key }] of rollouts.entries())
    entries.set(key, { ...entries.get(key), weights: Float32Array.from(raw[i] ?? [], (weight) => weight / mean) });
}

/** In words, for the log. */
function summary(rollouts: readonly Rollout[], entries: ReadonlyMap<string, EpisodeEntry>): string {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const { key } of rollouts)
    for (const weight of entries.get(key)?.weights ?? []) {
      least = Math.min(least, weight);
      most = Math.max(most, weight);
    }
  const reached = rollouts.filter(({ success }) => success).length;
  return (
    `advantages of ${rollouts.length} rollouts, ${reached} of which reached the goal: their samples count ` +
    `${significant(least, 3)} to ${significant(most, 3)} times`
  );
}
