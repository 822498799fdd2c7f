import { InputError } from '../../base/index.ts';
import { BEHAVIOR_STAGES, BEHAVIOR_TASKS, CHALLENGE_ROBOT, sameRobot, type TaskSuccessors } from '../../robot/index.ts';
import type { Dataset } from '../lerobot/index.ts';
import { demonstrationOf, recordedStages, type StageLabels } from './stageLabels.ts';

/**
 * A stage for every half minute of a mean demonstration, at least 5 and at most 15 (the challenge: clip(ceil(mean
 * frames / 900), 5, 15), docs/facts.md#tasks-and-stages).
 */
const STAGE_SECONDS = 60 / 2;
const [FEWEST, MOST] = [5, 15];

/** Stages that a task is cut into by time. @param seconds mean length of its demonstrations */
export const stagesOfLength = (seconds: number): number =>
  Math.min(MOST, Math.max(FEWEST, Math.ceil(seconds / STAGE_SECONDS)));

/**
 * Whether a data set is of the challenge: its robot, and its tasks by number and name (v3.0 has no names, and is
 * believed). Numbers beyond the table are tasks of a later year.
 */
function isOfChallenge({ robot, tasks, episodes }: Dataset): boolean {
  if (!robot || !sameRobot(robot, CHALLENGE_ROBOT)) return false;
  const known = (index: number) => {
    const name = tasks.get(index)?.name;
    const task = BEHAVIOR_TASKS[index];
    return index >= BEHAVIOR_TASKS.length || (task !== undefined && (name === undefined || name === task.name));
  };
  return [...tasks.keys(), ...episodes.map(({ taskIndex }) => taskIndex)].every(known);
}

/**
 * Stages of each task by id: the challenge's where all data sets are of it and its table has the task.
 * Else from the episodes: with labels by
 * `skills` as many as were recorded (or as the data set tells successors of),
 * with labels by `time` `stagesOfLength`; a number that no episode has gets one stage.
 * @throws InputError when stages are to be recorded ones and an episode has none
 */
export async function stageTable(datasets: readonly Dataset[], labels: StageLabels): Promise<number[]> {
  const ofChallenge = datasets.every(isOfChallenge) ? BEHAVIOR_STAGES : [];
  const beyond = datasets.some(({ episodes }) => episodes.some(({ taskIndex }) => !(taskIndex in ofChallenge)));
  if (!beyond) return [...ofChallenge];
  const found = new Map<number, { stages: number; seconds: number; episodes: number }>();
  const told = successorTable(datasets);
  for (const dataset of datasets)
    for (const episode of dataset.episodes) {
      if (episode.taskIndex in ofChallenge) continue;
      const stages = told[episode.taskIndex]?.length ?? 1;
      const task = found.get(episode.taskIndex) ?? { stages, seconds: 0, episodes: 0 };
      found.set(episode.taskIndex, task);
      if (labels === 'skills')
        for (const stage of await recordedStages(dataset, episode)) task.stages = Math.max(task.stages, stage + 1);
      else task.seconds += (await demonstrationOf(dataset, episode)).fullLength / dataset.fps;
      task.episodes++;
    }
  const count = Math.max(ofChallenge.length, ...[...found.keys()].map((id) => id + 1));
  return Array.from({ length: count }, (_, id) => {
    const task = found.get(id);
    if (ofChallenge[id] !== undefined) return ofChallenge[id];
    if (!task) return 1;
    return labels === 'skills' ? task.stages : stagesOfLength(task.seconds / task.episodes);
  });
}

/**
 * Which stages may follow which, of each task that a data set tells it of.
 * @throws InputError when two data sets tell it differently
 */
export function successorTable(datasets: readonly Dataset[]): TaskSuccessors {
  const found: Record<string, readonly (readonly number[])[]> = {};
  for (const { root, tasks } of datasets)
    for (const [id, { stageSuccessors }] of tasks) {
      if (!stageSuccessors) continue;
      const before = found[id];
      if (before && JSON.stringify(before) !== JSON.stringify(stageSuccessors))
        throw new InputError(
          root,
          `tells other successors of the stages of task ${id} than the data before it. Train on data of one version.`,
        );
      found[id] = stageSuccessors;
    }
  return found;
}
