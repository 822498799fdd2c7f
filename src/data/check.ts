import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { LARGEST_NUMBER } from '../action/index.ts';
import { present, readJsonLines, ValetError } from '../base/index.ts';
import { type Robot, stateOf } from '../robot/index.ts';
import { chooseForCheck, listedOnce } from './checkChoice.ts';
import { checkPictures, checkUnlistedVideos } from './checkPictures.ts';
import {
  type Column,
  type DataChoice,
  type Dataset,
  type Episode,
  EpisodeStatsLine,
  intervalsOf,
  isStage,
  missingFiles,
  openDataset,
  pictureFeatures,
  sidePath,
  usedFeatures,
} from './lerobot/index.ts';
import { type Problem, type ReportProblem, withoutPlace } from './problem.ts';

export interface CheckResult {
  readonly ok: boolean;
  readonly format: string | null;
  readonly episodes: number;
  readonly frames: number;
  readonly problems: readonly Problem[];
  /** What is no fault, but should be known; left out where there is nothing. */
  readonly notes?: readonly Problem[];
}

export interface CheckOptions {
  /** The robot that made the data set, where it does not say so itself. */
  readonly robot?: Robot;
  /** What of the data set is checked; all of it when left out. */
  readonly choice?: DataChoice;
  /** Decode the first and the last picture of each video only, where every one takes too long. */
  readonly endsOnly?: boolean;
  readonly progress?: (done: number, total: number) => void;
}

/**
 * Reads a whole data set and says what is wrong with it, file by file. Throws only when the folder cannot be read at
 * all.
 */
export async function checkDataset(dir: string, options: CheckOptions = {}): Promise<CheckResult> {
  const problems: Problem[] = [];
  const report: ReportProblem = (code, where, message) => {
    const problem = { code, where: relative(dir, where) || '.', message };
    // What is wrong with a file of several episodes is said once.
    if (!problems.some((one) => one.code === code && one.where === problem.where && one.message === message))
      problems.push(problem);
  };
  const notes: Problem[] = [];
  const note: ReportProblem = (code, where, message) =>
    void notes.push({ code, where: relative(dir, where) || '.', message });
  const { robot, choice = {} } = options;
  let dataset: Dataset;
  try {
    dataset = await openDataset(dir, { ...(robot && { robot }), cameras: choice.cameras });
  } catch (error) {
    if (!(error instanceof ValetError)) throw error;
    report('index', error.where, withoutPlace(error));
    return { ok: false, format: null, episodes: 0, frames: 0, problems };
  }
  checkTotals(dataset, report, note);
  if (dataset.format === 'v2.1') {
    await checkUnlisted(dataset, report);
    await checkStats(dataset, report);
  }
  const pictures = pictureFeatures(dataset.info);
  await checkUnlistedVideos(dataset, report);
  const used = new Set(usedFeatures(dataset));
  const { episodes } = (dataset = await chooseForCheck(dataset, choice, report, note));
  const absent = new Map<string, number>();
  for (const [i, episode] of episodes.entries()) {
    await checkData(dataset, episode, report);
    for (const feature of pictures)
      if (choice.available && !used.has(feature) && missingFiles(dataset, [episode], [feature]).length > 0)
        absent.set(feature, (absent.get(feature) ?? 0) + 1);
      else await checkPictures(dataset, episode, feature, options.endsOnly ?? false, report);
    await checkSideFiles(dataset, episode, choice.available ?? false, report);
    options.progress?.(i + 1, episodes.length);
  }
  for (const [feature, count] of absent)
    note('video-missing', dir, `left out: ${count} videos of ${feature}, which no camera of the robot needs.`);
  return {
    ok: problems.length === 0,
    format: dataset.format,
    episodes: episodes.length,
    frames: episodes.reduce((sum, episode) => sum + episode.length, 0),
    problems: listedOnce(problems),
    ...(notes.length > 0 && { notes }),
  };
}

/** A part of a v3.0 set holds a part of the list of episodes, while the totals are those of the whole. */
function checkTotals(
  { root, format, info, episodes, taskRows }: Dataset,
  report: ReportProblem,
  note: ReportProblem,
): void {
  const path = join(root, 'meta', 'info.json');
  const frames = episodes.reduce((sum, episode) => sum + episode.length, 0);
  const totals: [string, number | undefined, number][] = [
    ['total_episodes', info.total_episodes, episodes.length],
    ['total_frames', info.total_frames, frames],
    ['total_tasks', info.total_tasks, taskRows.length],
  ];
  for (const [name, says, is] of totals)
    if (says !== undefined && says !== is) {
      const elsewhere = format === 'v3.0' && says > is;
      const sentence = `${name} is ${says}, the ${name === 'total_tasks' ? 'list of tasks' : 'episode list'} has ${is}`;
      (elsewhere ? note : report)('totals', path, `${sentence}${elsewhere ? ': the others are elsewhere' : ''}.`);
    }
}

/** Parquet files that the index does not know: left over from a run that died, or an index that lost lines. */
async function checkUnlisted(dataset: Dataset, report: ReportProblem): Promise<void> {
  const listed = new Set(dataset.episodes.map((episode) => dataset.dataPath(episode)));
  const folder = join(dataset.root, 'data');
  if (!existsSync(folder)) return;
  for (const entry of await readdir(folder, { recursive: true })) {
    const path = join(folder, entry);
    if (entry.endsWith('.parquet') && !listed.has(path))
      report('data-unlisted', path, 'no line of meta/episodes.jsonl names this episode.');
  }
}

/** LeRobot v2.1 refuses a data set without per-episode statistics. */
async function checkStats(dataset: Dataset, report: ReportProblem): Promise<void> {
  if (dataset.info.codebase_version === 'v2.0') return; // which has meta/stats.json of the whole set
  const path = join(dataset.root, 'meta', 'episodes_stats.jsonl');
  try {
    const have = new Set((await readJsonLines(path, EpisodeStatsLine)).map((line) => line.episode_index));
    const without = dataset.episodes.filter((episode) => !have.has(episode.index));
    if (without.length > 0)
      report(
        'index',
        path,
        `has no line for ${without.length} episodes, the first of them ${present(without[0], 'without[0]').index}.`,
      );
  } catch (error) {
    if (!(error instanceof ValetError)) throw error;
    report('index', error.where, withoutPlace(error));
  }
}

/** Columns that the checks need; others are checked when the features name them. */
const NEEDED = ['action', 'observation.state', 'timestamp', 'index', 'episode_index', 'task_index'];

async function checkData(dataset: Dataset, episode: Episode, report: ReportProblem): Promise<void> {
  const path = dataset.dataPath(episode);
  if (!existsSync(path)) return void report('data-missing', path, `the data of episode ${episode.index} is not there.`);
  const { features } = dataset.info;
  const pictures = new Set(pictureFeatures(dataset.info));
  const wanted = new Set([...NEEDED, ...Object.keys(features).filter((name) => !pictures.has(name))]);
  let columns: Record<string, Column>;
  try {
    const present = new Set(await dataset.columnNames(episode));
    for (const name of wanted)
      if (!present.has(name)) {
        wanted.delete(name);
        report('column-missing', path, `column ${name} is missing (the file has ${[...present].join(', ')}).`);
      }
    columns = await dataset.columns(episode, [...wanted]);
  } catch (error) {
    if (!(error instanceof ValetError)) throw error;
    return void report('data-broken', path, withoutPlace(error));
  }
  for (const [name, column] of Object.entries(columns)) {
    if (column.rows !== episode.length)
      report('row-count', path, `${name} has ${column.rows} rows, the episode list says ${episode.length}.`);
    const width = features[name]?.shape.at(-1);
    if (typeof width === 'number' && width !== column.width)
      report('column-width', path, `${name} has ${column.width} numbers per row, info.json says ${width}.`);
    const bad = column.data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      report(
        'not-finite',
        path,
        `${name} holds ${column.data[bad]} in row ${Math.floor(bad / column.width)}, place ${bad % column.width}.`,
      );
    const large = dataset.robot && firstLarge(dataset.robot, name, column);
    if (large)
      report(
        'too-large',
        path,
        `${name} holds ${large.value} in row ${large.row}, place ${large.place} (training takes at most ` +
          `${LARGEST_NUMBER}).`,
      );
  }
  const first = (name: string, wrong: (value: number, row: number) => boolean) => {
    const at = columns[name]?.data.findIndex(wrong) ?? -1;
    return at >= 0
      ? { row: at, value: present(present(columns[name], 'columns[name]').data[at], 'columns[name].data[at]') }
      : undefined;
  };
  const time = first('timestamp', (value, row) => Math.abs(value - row / dataset.fps) > 1e-4);
  if (time) report('timestamp', path, `row ${time.row} has time ${time.value} s (expected row / ${dataset.fps}).`);
  const start = columns['index']?.data[0] ?? 0;
  const order = first('index', (value, row) => value !== start + row);
  if (order)
    report(
      'row-numbers',
      path,
      `index is ${order.value} in row ${order.row} (expected ${start + order.row}: consecutive numbers).`,
    );
  const begin = columns['frame_index']?.data[0] ?? 0;
  const frame = first('frame_index', (value, row) => value !== begin + row);
  if (frame)
    report('row-numbers', path, `frame_index is ${frame.value} in place of ${begin + frame.row}: every frame once.`);
  const owner = first('episode_index', (value) => value !== episode.index);
  if (owner)
    report('row-numbers', path, `episode_index is ${owner.value} in row ${owner.row} (expected ${episode.index}).`);
  const stage = first('annotation.stage', (value) => !isStage(value));
  if (stage)
    report('stage', path, `annotation.stage is ${stage.value} in row ${stage.row} (expected a whole number from 0).`);
}

/** The first finite number that training would refuse: of an action, or of the robot's state in an observation. */
function firstLarge(robot: Robot, name: string, { data, width, rows }: Column) {
  const isKnown =
    name === 'action' ||
    (name === 'observation.state' && robot.proprioception.layouts.some(({ length }) => length === width));
  for (let row = 0; isKnown && row < rows; row++) {
    const own = data.subarray(row * width, (row + 1) * width);
    const values = name === 'action' ? own : stateOf(robot, own);
    const place = values.findIndex((value) => Number.isFinite(value) && Math.abs(value) > LARGEST_NUMBER);
    if (place >= 0) return { value: values[place], row, place };
  }
  return undefined;
}

async function checkSideFiles(
  dataset: Dataset,
  episode: Episode,
  available: boolean,
  report: ReportProblem,
): Promise<void> {
  const { info, root } = dataset;
  const read = async (code: 'annotation' | 'metainfo', work: (path: string) => Promise<void>) => {
    const path = sidePath(root, info, `${code}_path`, episode.index);
    if (!path) return;
    if (!existsSync(path)) {
      // Conversions to v3.0 keep the names in info.json and drop the files.
      if (dataset.format === 'v2.1' && !available)
        report(code, path, `the file of episode ${episode.index} is not there.`);
      return;
    }
    try {
      await work(path);
    } catch (error) {
      if (!(error instanceof ValetError)) throw error;
      report(code, path, withoutPlace(error));
    }
  };
  await read('annotation', async (path) => {
    const annotation = await dataset.annotation(episode);
    for (const [i, skill] of (annotation?.skill_annotation ?? []).entries())
      for (const [start, end] of intervalsOf(skill.frame_duration))
        if (!(start >= 0 && start <= end && end <= episode.length))
          report(
            'annotation',
            path,
            `skill ${i} lasts from ${start} to ${end}, the episode has ${episode.length} frames.`,
          );
  });
  await read('metainfo', async (path) => {
    const meta = await dataset.metaInfo(episode);
    const clip = meta?.['clip'] as { start?: unknown; fullLength?: unknown } | undefined;
    if (clip && !(Number(clip.start) >= 0 && Number(clip.start) + episode.length <= Number(clip.fullLength)))
      report(
        'metainfo',
        path,
        `clip from ${clip.start} of ${clip.fullLength} frames does not hold the episode's ${episode.length}.`,
      );
  });
}
