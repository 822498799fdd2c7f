import { join } from 'node:path';
import {
  chooseOf,
  type DataChoice,
  type Dataset,
  missingSentence,
  type TaskConflict,
  without,
} from '../lerobot/index.ts';
import type { Problem, ProblemCode, ReportProblem } from './problem.ts';

const CODES: Readonly<Record<TaskConflict['kind'], ProblemCode>> = {
  rows: 'row-numbers',
  folder: 'task',
  name: 'task',
  unlisted: 'task',
  nameless: 'task',
  shared: 'task',
};

/**
 * The episodes that are checked one by one. Tasks that contradict are reported; so are, once, episodes of which nothing
 * is there, which are left out, and with `available` all that lack a file, as a note.
 */
export async function chooseForCheck(
  dataset: Dataset,
  choice: DataChoice,
  report: ReportProblem,
  note: ReportProblem,
): Promise<Dataset> {
  const [chosen] = await chooseOf([dataset], { choice, pictures: true, tasks: 'told' });
  if (!chosen) return dataset;
  const { set, conflicts, missing } = chosen;
  for (const { kind, episode, message } of conflicts)
    report(CODES[kind], kind === 'rows' && episode ? set.dataPath(episode) : join(set.root, 'meta'), message);
  const gone = choice.available ? missing : missing.filter(({ whole }) => whole);
  if (gone.length === 0) return set;
  const left = { ...set, episodes: without(set.episodes, gone) };
  (choice.available ? note : report)(
    'data-missing',
    set.root,
    `${choice.available ? 'left out: ' : ''}${missingSentence(dataset, set.episodes, gone)}` +
      (choice.available ? '' : ' --tasks and --episodes choose what is there, --available leaves out what is not.'),
  );
  return left;
}

/** Problems of one kind that are listed one by one; the others are counted. */
const MOST_LISTED = 20;
const COUNTED: readonly ProblemCode[] = ['data-missing', 'video-missing', 'annotation', 'metainfo'];

/** At most so many lines about missing files, and one that says how many more there are. */
export function listedOnce(problems: readonly Problem[]): Problem[] {
  const seen = new Map<ProblemCode, number>();
  const listed = problems.filter(({ code }) => {
    const count = (seen.get(code) ?? 0) + 1;
    seen.set(code, count);
    return !COUNTED.includes(code) || count <= MOST_LISTED;
  });
  for (const code of COUNTED) {
    const more = (seen.get(code) ?? 0) - MOST_LISTED;
    if (more > 0) listed.push({ code, where: '.', message: `${more} more of these.` });
  }
  return listed;
}
