import { BEHAVIOR_TASKS } from '../../../robot/index.ts';
import type { Dataset, Episode } from '../dataset.ts';
import type { TaskRow } from '../v30Tables.ts';
import { challengeTask, ofChallengeRobot } from './knownTasks.ts';
import { type ConflictKind, type TaskConflict, TaskConflicts } from './taskConflicts.ts';
import { mappedTask, type TaskMap } from './taskMap.ts';

export interface SettledTasks {
  readonly episodes: readonly Episode[];
  /** By number, of all sets' numbering. */
  readonly tasks: Dataset['tasks'];
  readonly conflicts: readonly TaskConflict[];
}

/**
 * Gives episodes the tasks that are meant. Of what a set says about an episode, `task_index` of its rows goes before
 * its sentence, and that before the number of its folder; a name of the challenge goes before any number. What
 * contradicts that is told. A map says what the set's own tasks are, and settles all.
 * @param rows numbers in the rows of episodes, by episode_index
 */
export function settleTasks(
  dataset: Dataset,
  episodes: readonly Episode[],
  rows: ReadonlyMap<number, readonly number[]>,
  map: TaskMap | undefined,
): SettledTasks {
  const words = new TaskWords(dataset, map);
  const conflicts = new TaskConflicts();
  const settled = episodes.map((episode): Episode => {
    const taskIndex = taskOf(episode, rows.get(episode.index) ?? [], words, (kind, open, what) =>
      conflicts.add(kind, open, episode, what),
    );
    return taskIndex === episode.taskIndex ? episode : { ...episode, taskIndex };
  });
  const used = new Set(settled.map(({ taskIndex }) => taskIndex));
  return { episodes: settled, tasks: namedTasks(dataset, words, used, conflicts), conflicts: conflicts.all() };
}

/** What the numbers and texts of a set's list of tasks mean. */
class TaskWords {
  private readonly byNumber: ReadonlyMap<number, TaskRow>;
  private readonly sentences: boolean;

  constructor(
    private readonly dataset: Dataset,
    private readonly map: TaskMap | undefined,
  ) {
    this.byNumber = new Map(dataset.taskRows.map((row) => [row.index, row]));
    this.sentences = ofChallengeRobot(dataset.info, dataset.robot);
  }

  row(number: number): TaskRow | undefined {
    return this.byNumber.get(number);
  }

  known({ name, texts }: TaskRow): number | undefined {
    return challengeTask([name, ...texts], this.sentences);
  }

  mapped(row: TaskRow): number | undefined {
    return mappedTask(this.map, this.dataset.root, row);
  }

  /** The task of all sets that a row of the list means. */
  meant(row: TaskRow): number {
    return this.mapped(row) ?? this.known(row) ?? row.index;
  }

  /** The challenge's number of a sentence that the list does not have. */
  ofSentence(sentence: string): number | undefined {
    return challengeTask([sentence], this.sentences);
  }

  called(number: number): string {
    const row = this.row(number);
    return row ? `${number} (${row.name ?? row.instruction})` : `${number} (not in the list of tasks)`;
  }
}

type Tell = (kind: ConflictKind, open: boolean, what: string) => void;

/** The task of an episode, and what contradicts. @param inRows numbers in its rows, none where they cannot be read */
function taskOf(episode: Episode, inRows: readonly number[], words: TaskWords, tell: Tell): number {
  const { instruction } = episode;
  const { sentence, table, folder } = episode.claims ?? {};
  const number = inRows[0] ?? sentence ?? table ?? folder ?? episode.taskIndex;
  const rowOf = (one: number) => words.row(one) ?? { index: one, name: undefined, instruction, texts: [instruction] };
  const row = rowOf(number);
  const unlisted = sentence === undefined && instruction !== '';
  const known = words.known(row) ?? (unlisted ? words.ofSentence(instruction) : undefined);
  const mapped = words.mapped(row) ?? (unlisted ? words.mapped(rowOf(-1)) : undefined);
  const task = mapped ?? known ?? number;
  const silent = unlisted && table === undefined && folder === undefined;
  if (task < 0 || (silent && mapped === undefined && known === undefined)) {
    tell('nameless', true, instruction);
    return task;
  }
  if (new Set(inRows.map((one) => words.meant(rowOf(one)))).size > 1)
    tell('rows', true, `task_index is ${inRows.map((one) => words.called(one)).join(' and ')} within one episode`);
  if (mapped !== undefined) return task;
  if ((number >= 0 || inRows.length > 0) && !words.row(number)) tell('unlisted', true, `${number}`);
  if (known !== undefined && number >= 0 && known !== number)
    tell(
      'name',
      true,
      `its task is number ${number} in the set, but ${BEHAVIOR_TASKS[known]?.name} is task ${known} of the ` +
        'challenge; the name holds',
    );
  const said = inRows.length > 0 ? 'in the rows' : 'by the sentence';
  const holds = inRows.length > 0 ? 'the rows hold' : 'the sentence holds';
  const others: [what: string, number: number | undefined][] = [
    ['the sentence', sentence],
    ['meta/episodes', table],
    ['the folder', folder],
  ];
  const against = others.filter(([, other]) => other !== undefined && other !== number);
  if (against.length > 0) {
    const named = sentence === undefined ? undefined : words.known(rowOf(sentence));
    const listed = against.map(([what, other]) => `${what} says ${words.called(other as number)}`).join(', ');
    tell(
      inRows.length > 0 ? 'rows' : 'folder',
      named !== undefined && named !== task,
      `task_index is ${words.called(number)} ${said}, ${listed}; ${holds}`,
    );
  }
  return task;
}

/** The list of tasks by their number among all sets. Two that get the same one are told, unless the map says so. */
function namedTasks(
  { taskRows, tasks: own }: Dataset,
  words: TaskWords,
  used: ReadonlySet<number>,
  conflicts: TaskConflicts,
): Dataset['tasks'] {
  const rows = new Map<number, TaskRow>();
  for (const row of taskRows) {
    const id = words.meant(row);
    const before = rows.get(id);
    const bothMapped = before && [before, row].every((one) => words.mapped(one) !== undefined);
    if (before && !bothMapped && used.has(id))
      conflicts.add(
        'shared',
        true,
        undefined,
        `tasks ${words.called(before.index)} and ${words.called(row.index)} of the list would both be task ${id}`,
      );
    if (!before) rows.set(id, row);
  }
  return new Map(
    [...rows].map(([id, row]) => {
      const name = row.name ?? (words.known(row) === id ? BEHAVIOR_TASKS[id]?.name : undefined);
      return [id, { ...own.get(row.index), name, instruction: row.instruction }];
    }),
  );
}
