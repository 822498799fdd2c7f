import { digestOf, InputError } from '../../base/index.ts';
import type { Dataset, Episode } from '../lerobot/index.ts';
import { stageLabels, stageTable } from '../samples/index.ts';
import { mappedStages, proposedMapping, type StageMapping, skillsOf, taskKey } from './stageMapping.ts';

/** Stages that a new set's episodes get, in the column `annotation.stage`. */
export interface NewStages {
  /** Stage of each frame of an episode of the old set. */
  of(episode: Episode): Promise<Uint16Array>;
  /** Changes when the stages may. */
  readonly digest: string;
  /** Which skills are which stages, where skills decide. */
  readonly mapping?: StageMapping | undefined;
  /** Skills that stand in no stage, and how often they were met. */
  readonly unknown: ReadonlyMap<string, number>;
}

/**
 * Stages of a set's episodes: `time` cuts each into as many equal parts as its task has stages, `skills` follows the
 * recorded skills by `mapping`, or by one that is made from them.
 * @throws InputError when a task stands not in the mapping, or an episode has no skills
 */
export async function annotatedStages(
  set: Dataset,
  from: 'time' | 'skills',
  mapping?: StageMapping,
): Promise<NewStages> {
  const table = await stageTable([set], 'time');
  const unknown = new Map<string, number>();
  if (from === 'time') {
    const of = (episode: Episode) =>
      stageLabels(
        set,
        episode,
        Int32Array.from({ length: episode.length }, (_, t) => t),
        'time',
        table,
      );
    return { of, digest: digestOf(table), unknown };
  }
  const used = mapping ?? (await proposedMapping(set, table));
  for (const { taskIndex } of set.episodes)
    if (!used[taskKey(set, taskIndex)])
      throw new InputError(
        '--mapping',
        `has no stages of the task ${taskKey(set, taskIndex)}. Add them, or leave it out by --tasks.`,
      );
  const count = (name: string) => void unknown.set(name, (unknown.get(name) ?? 0) + 1);
  const of = async (episode: Episode) =>
    mappedStages(await skillsOf(set, episode), used[taskKey(set, episode.taskIndex)] ?? [], episode.length, count);
  return { of, digest: digestOf(used), mapping: used, unknown };
}
