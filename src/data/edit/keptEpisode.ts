import type { Dataset, Episode } from '../lerobot/index.ts';

/** An episode of a new data set: the frames from `from` up to `to` of one of an old set. */
export interface KeptEpisode {
  readonly source: Dataset;
  readonly episode: Episode;
  /** Its episode_index in the new set. */
  readonly index: number;
  readonly taskIndex: number;
  readonly from: number;
  readonly to: number;
}

/** All frames of an episode, under the same number. */
export const wholeEpisode = (source: Dataset, episode: Episode): KeptEpisode => ({
  ...{ source, episode, index: episode.index, taskIndex: episode.taskIndex },
  ...{ from: 0, to: episode.length },
});

export const isWhole = ({ from, to, episode }: KeptEpisode): boolean => from === 0 && to === episode.length;

/** Whether a set's folders are called after its tasks, so that an episode's number tells its task (BEHAVIOR). */
export const numberTellsTask = ({ info }: Pick<Dataset, 'info'>): boolean =>
  info.data_path.includes('task-{episode_chunk');
