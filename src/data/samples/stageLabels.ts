import { InputError, present } from '../../base/index.ts';
import { stageAtTime } from '../../robot/index.ts';
import type { Dataset, Episode } from '../lerobot/index.ts';

/**
 * How a frame gets its stage: `time` cuts a demonstration into equal parts (the original), `skills` are the recorded
 * ones.
 */
export type StageLabels = 'time' | 'skills';

/** The longer demonstration that an episode is a window of, in frames; the episode itself where it says nothing. */
export async function demonstrationOf(
  dataset: Dataset,
  episode: Episode,
): Promise<{ readonly start: number; readonly fullLength: number }> {
  const clip = (await dataset.metaInfo(episode))?.['clip'] as { start: number; fullLength: number } | undefined;
  return { start: clip?.start ?? 0, fullLength: clip?.fullLength ?? episode.length };
}

/**
 * Stages of the frames `starts` of an episode.
 * @throws InputError when its task is not in the table, or it has no recorded stages
 */
export async function stageLabels(
  dataset: Dataset,
  episode: Episode,
  starts: Int32Array,
  labels: StageLabels,
  taskNumStages: readonly number[],
): Promise<Uint16Array> {
  if (labels === 'skills') {
    const stages = await recordedStages(dataset, episode);
    if (stages.length !== episode.length)
      throw new InputError(
        dataset.dataPath(episode),
        `has ${stages.length} stages of episode ${episode.index} (expected ${episode.length}). Run valet data check.`,
      );
    return Uint16Array.from(starts, (start) => present(stages[start], 'the stage'));
  }
  const numStages = taskNumStages[episode.taskIndex];
  if (numStages === undefined)
    throw new InputError(
      dataset.root,
      `episode ${episode.index} is of task ${episode.taskIndex}, the table of stages has ${taskNumStages.length}.`,
    );
  const { start: offset, fullLength } = await demonstrationOf(dataset, episode);
  const { fps } = dataset;
  return Uint16Array.from(starts, (start) => stageAtTime((offset + start) / fps, fullLength, numStages, fps));
}

/** @throws InputError when there are none */
export async function recordedStages(dataset: Dataset, episode: Episode): Promise<Uint16Array> {
  const stages = await dataset.stages(episode);
  if (!stages)
    throw new InputError(
      dataset.root,
      `episode ${episode.index} has no recorded stages or skills. Use stage labels by time (stageLabels=time).`,
    );
  return stages;
}
