import { InputError } from '../../../base/index.ts';
import type { Robot } from '../../../robot/index.ts';
import { pictureFeatures } from '../cameras.ts';
import type { Dataset, Episode, KnownIndex } from '../dataset.ts';
import { openDataset } from '../open.ts';
import type { CameraChoice } from './cameraChoice.ts';
import type { DataChoice } from './dataChoice.ts';
import { plainWords } from './knownTasks.ts';
import { type Missing, missingFiles, missingSentence } from './presence.ts';
import { rowTasks } from './rowTasks.ts';
import { chosenTasks, inRanges, requireRanges } from './selection.ts';
import { settleTasks } from './settleTasks.ts';
import type { TaskConflict } from './taskConflicts.ts';
import { mappedByNumberAlone, mappedTask, type TaskMap } from './taskMap.ts';

export interface OpenSetsOptions {
  /** Whose data they are; when left out, as the data sets say. */
  readonly robot?: Robot | undefined;
  readonly choice?: DataChoice | undefined;
  /** Pictures of the robot's cameras are read. */
  readonly pictures?: boolean;
  /**
   * Tasks are used: contradictions are told, or those that no rule settles refused. When left out, tasks are not looked
   * at unless some are chosen.
   */
  readonly tasks?: 'told' | 'refused';
  /** Only the first episode of each set. */
  readonly first?: boolean;
}

/** Data sets as they are to be read: their episodes are those chosen, each with its task among those of all sets. */
export interface ChosenSets {
  readonly sets: readonly Dataset[];
  /** What a person should know, each a sentence. */
  readonly notes: readonly string[];
}

/** A set whose episodes are those chosen, with what is not as it should be. */
export interface ChosenSet {
  readonly set: Dataset;
  readonly conflicts: readonly TaskConflict[];
  /** Of the episodes of `set`. */
  readonly missing: readonly Missing[];
}

/**
 * Takes of open sets what is chosen.
 * @throws InputError for a choice that fits none of them
 */
export async function chooseOf(opened: readonly Dataset[], options: OpenSetsOptions): Promise<ChosenSet[]> {
  const { choice = {}, pictures = false, tasks, first = false } = options;
  const { taskMap, available = false } = choice;
  requireRanges(opened, choice.episodes);
  requireUsed(opened, taskMap);
  const looked = tasks !== undefined || choice.tasks !== undefined || taskMap !== undefined;
  const settled: Omit<ChosenSet, 'missing'>[] = [];
  for (const set of opened) {
    let episodes = inRanges(set.episodes, choice.episodes);
    // The rows of one episode are read, not those of all.
    if (first && choice.tasks === undefined) episodes = await firstOf(set, episodes, pictures, available);
    // Of a server's set the rows of those are fetched that the index says are wanted.
    if (set.remote && choice.tasks) episodes = ofTasksByIndex(set, episodes, choice.tasks, taskMap);
    const its = looked && settleTasks(set, episodes, await rowTasks(set, episodes), taskMap);
    if (its) settled.push({ set: { ...set, episodes: its.episodes, tasks: its.tasks }, conflicts: its.conflicts });
    else settled.push({ set: { ...set, episodes }, conflicts: [] });
  }
  const wanted =
    choice.tasks &&
    chosenTasks(
      settled.map(({ set }) => set),
      choice.tasks,
    );
  const chosen: ChosenSet[] = [];
  for (const { set, conflicts } of settled) {
    let episodes = wanted ? set.episodes.filter(({ taskIndex }) => wanted.has(taskIndex)) : set.episodes;
    if (first) episodes = await firstOf(set, episodes, pictures, available);
    const missing = await missingFiles(set, episodes, pictures ? usedFeatures(set) : [], available);
    const its = wanted ? conflicts.filter(({ episode }) => !episode || episodes.some(same(episode))) : conflicts;
    chosen.push({ set: { ...set, episodes }, conflicts: its, missing });
  }
  return chosen;
}

/** Episodes of these tasks, as the index says without their rows; all of them where it knows no such task. */
function ofTasksByIndex(
  set: Dataset,
  episodes: readonly Episode[],
  words: readonly string[],
  taskMap: TaskMap | undefined,
): readonly Episode[] {
  const said = settleTasks(set, episodes, new Map(), taskMap);
  try {
    const wanted = chosenTasks([{ root: set.root, tasks: said.tasks, episodes: said.episodes }], words);
    return episodes.filter((_, i) => wanted.has(said.episodes[i]?.taskIndex ?? -1));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return episodes;
  }
}

const same = (one: Episode) => (other: Episode) => one.index === other.index;

/**
 * Opens data sets for the commands that read them.
 * @throws InputError for a choice that fits none of them, files that are missing and are not to be left out, and tasks
 * that contradict where that is refused
 */
export async function openSets(folders: readonly string[], options: OpenSetsOptions = {}): Promise<ChosenSets> {
  const { robot, choice = {}, tasks } = options;
  const { cameras, taskMap, available = false } = choice;
  const opened = await Promise.all(folders.map((dir) => openDataset(dir, { ...(robot && { robot }), cameras })));
  const notes = opened.flatMap(({ remote }) =>
    remote ? [`${remote.address}: read over the network; what is fetched is kept in ${remote.place}`] : [],
  );
  const sets = (await chooseOf(opened, options)).map(({ set, conflicts, missing }, i): Dataset => {
    for (const { open, message } of conflicts)
      if (open && tasks === 'refused') throw new InputError(set.root, `${message} ${SAY_IT}`);
      else notes.push(`${set.root}: ${message}`);
    if (missing.length === 0) return set;
    const sentence = missingSentence(opened[i] ?? set, set.episodes, missing);
    if (!available) throw new InputError(set.root, `${sentence} ${CHOOSE}`);
    const episodes = without(set.episodes, missing);
    if (episodes.length === 0) throw new InputError(set.root, `the files of no chosen episode are there: ${sentence}`);
    notes.push(`${set.root}: left out: ${sentence}`);
    return { ...set, episodes };
  });
  if (tasks !== undefined && sets.length > 1) notes.push(...sharedNumbers(sets, taskMap, tasks));
  return { sets, notes };
}

/** A set for a worker to open: which episodes it reads, it is told. */
export interface SetPlace {
  /** Its folder or address. */
  readonly root: string;
  readonly cameras: CameraChoice | undefined;
  readonly since: number | undefined;
  /** Of a thread of this process. */
  readonly known?: KnownIndex;
}
export const setPlace = ({ root, remote, cameraChoice }: Dataset): SetPlace => ({
  root: remote?.address ?? root,
  cameras: cameraChoice,
  since: remote?.since,
});

/** The same for a thread of this process: it is told of the episodes that it reads, and reads no list of them. */
export const threadPlace = (set: Dataset): SetPlace => ({ ...setPlace(set), known: set.known });

/** Opens sets in a worker, as they were opened where the work was given out. */
export const openPlaces = (places: readonly SetPlace[], robot: Robot): Promise<Dataset[]> =>
  Promise.all(places.map(({ root, ...its }) => openDataset(root, { robot, ...its })));

/** What contradicts needs a person. */
const SAY_IT = 'Say what the tasks are with --task-map FILE, such as {"can_meat": 4}.';
const CHOOSE = 'Choose what is there with --tasks or --episodes, or add --available to leave out what is missing.';

/** The features that are read of a set: the robot's cameras, else all pictures. */
export const usedFeatures = (set: Dataset): string[] =>
  set.robot ? set.cameras.map((camera) => set.cameraFeature(camera)) : pictureFeatures(set.info);

export const without = (episodes: readonly Episode[], missing: readonly Missing[]): readonly Episode[] => {
  const gone = new Set(missing.map(({ episode }) => episode));
  return episodes.filter((episode) => !gone.has(episode));
};

/** The first episode, or the first whose files are there. */
async function firstOf(set: Dataset, episodes: readonly Episode[], pictures: boolean, available: boolean) {
  const features = pictures ? usedFeatures(set) : [];
  for (const episode of available ? episodes : [])
    if ((await missingFiles(set, [episode], features, true)).length === 0) return [episode];
  return episodes.slice(0, 1);
}

/** @throws InputError when a map means no task of the sets: it is of others, or misspelt */
function requireUsed(sets: readonly Dataset[], map: TaskMap | undefined): void {
  if (!map) return;
  for (const { root, taskRows } of sets)
    for (const row of taskRows) if (mappedTask(map, root, row) !== undefined) return;
  const listed = sets.flatMap(({ taskRows }) =>
    taskRows.map(({ index, name, instruction }) => [index, name ?? instruction]),
  );
  const some = listed.slice(0, 5).map((row) => row.join(' '));
  throw new InputError(
    map.file,
    `names no task of ${sets.map(({ root }) => root).join(', ')} (their lists have ${some.join(', ')}` +
      `${listed.length > some.length ? ', …' : ''}).`,
  );
}

/** Tasks of different sets under one number that have no name or sentence in common. */
function sharedNumbers(sets: readonly Dataset[], map: TaskMap | undefined, tasks: 'told' | 'refused'): string[] {
  const seen = new Map<number, { root: string; called: string; texts: Set<string>; byMap: boolean }>();
  const notes: string[] = [];
  for (const { root, episodes, tasks: names, taskRows } of sets)
    for (const id of new Set(episodes.map(({ taskIndex }) => taskIndex))) {
      const task = names.get(id);
      if (!task) continue;
      const called = task.name ?? task.instruction;
      const rows = taskRows.filter((row) => mappedTask(map, root, row) === id);
      const byMap = map !== undefined && rows.length > 0 && !rows.some((row) => mappedByNumberAlone(map, root, row));
      const texts = new Set([task.name ?? '', task.instruction, ...rows.flatMap((row) => row.texts)].map(plainWords));
      texts.delete('');
      const before = seen.get(id);
      if (!before) seen.set(id, { root, called, texts, byMap });
      else if (!byMap && !before.byMap && ![...texts].some((text) => before.texts.has(text))) {
        const what = `task ${id} is "${before.called}" in ${before.root} and "${called}" in ${root}.`;
        if (tasks === 'refused')
          throw new InputError(
            root,
            `${what} Give each set's tasks their own number with --task-map FILE: {"FOLDER": {"0": 4}, …}.`,
          );
        notes.push(what);
      }
    }
  return notes;
}
