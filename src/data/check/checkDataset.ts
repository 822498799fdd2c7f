import { relative } from 'node:path';
import { ValetError } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import {
  type DataChoice,
  type Dataset,
  holdSides,
  missingFiles,
  openDataset,
  pictureFeatures,
  requireRobot,
  usedFeatures,
  withFiles,
} from '../lerobot/index.ts';
import { isAddress, shownPlaces } from '../remote/index.ts';
import { chooseForCheck, listedOnce } from './checkChoice.ts';
import { checkIndex } from './checkIndex.ts';
import { checkPictures, checkUnlistedVideos } from './checkPictures.ts';
import { checkRows } from './checkRows.ts';
import { checkSideFiles } from './checkSideFiles.ts';
import { type FitReference, type FitRow, fitOf } from './fit.ts';
import { type Problem, type ReportProblem, withoutPlace } from './problem.ts';
import { Survey } from './survey.ts';
import { surveyNotes } from './surveyNotes.ts';

export interface CheckResult {
  readonly ok: boolean;
  /** `v2.0`, `v2.1` or `v3.0`; null where the index cannot be used. */
  readonly format: string | null;
  readonly episodes: number;
  readonly frames: number;
  readonly problems: readonly Problem[];
  /** What is no fault, but should be known; left out where there is nothing. */
  readonly notes?: readonly Problem[];
  /** How the numbers fit the reference that was given. */
  readonly fit?: readonly FitRow[];
}

export interface CheckOptions {
  /** The robot that made the data set, where it does not say so itself. */
  readonly robot?: Robot;
  /** What of the data set is checked; all of it when left out. */
  readonly choice?: DataChoice;
  /** Decode the first and the last picture of each video only, where every one takes too long. */
  readonly endsOnly?: boolean;
  /** What the set's numbers are compared with. */
  readonly reference?: FitReference | undefined;
  readonly progress?: (done: number, total: number) => void;
}

/**
 * Reads a whole data set and says what is wrong with it, file by file. Throws only when the folder cannot be read at
 * all.
 */
export async function checkDataset(dir: string, options: CheckOptions = {}): Promise<CheckResult> {
  const problems: Problem[] = [];
  const told = new Set<string>();
  let root = dir;
  const placeIn = (path: string) => (isAddress(path) ? path : relative(root, path) || '.');
  const report: ReportProblem = (code, where, message) => {
    const problem = { code, where: placeIn(where), message: shownPlaces(message) };
    // What is wrong with a file of several episodes is said once.
    const key = JSON.stringify(problem);
    if (!told.has(key)) problems.push(problem);
    told.add(key);
  };
  const notes: Problem[] = [];
  const note: ReportProblem = (code, where, message) =>
    void notes.push({ code, where: placeIn(where), message: shownPlaces(message) });
  const { robot, choice = {} } = options;
  let dataset: Dataset;
  try {
    dataset = await openDataset(dir, { ...(robot && { robot }), cameras: choice.cameras });
  } catch (error) {
    if (!(error instanceof ValetError)) throw error;
    report('index', shownPlaces(error.where), withoutPlace(error));
    return { ok: false, format: null, episodes: 0, frames: 0, problems };
  }
  root = dataset.root;
  // A server gives no list of what lies there.
  if (dataset.remote) await holdSides(dataset.remote, dataset);
  await checkIndex(dataset, report, note);
  const pictures = pictureFeatures(dataset.info);
  if (!dataset.remote) await checkUnlistedVideos(dataset, report);
  const used = new Set(usedFeatures(dataset));
  const { episodes } = (dataset = await chooseForCheck(dataset, choice, report, note));
  const absent = new Map<string, number>();
  const survey = new Survey(dataset.robot);
  for (const [i, episode] of episodes.entries()) {
    const check = async () => {
      await checkRows(dataset, episode, report, survey);
      for (const feature of pictures) {
        const spared = choice.available && !used.has(feature);
        if (spared && (await missingFiles(dataset, [episode], [feature], true)).length > 0)
          absent.set(feature, (absent.get(feature) ?? 0) + 1);
        else await checkPictures(dataset, episode, feature, options.endsOnly ?? false, report);
      }
      await checkSideFiles(dataset, episode, choice.available ?? false, report);
    };
    await withFiles(dataset, [episode], pictures, check, { optional: true });
    options.progress?.(i + 1, episodes.length);
  }
  for (const [feature, count] of absent)
    note('video-missing', root, `left out: ${count} videos of ${feature}, which no camera of the robot needs.`);
  surveyNotes(survey, dataset, note);
  const fit = options.reference && fitOf(requireRobot(dataset), survey.required(root), options.reference);
  return {
    ok: problems.length === 0,
    format: dataset.info.codebase_version,
    episodes: episodes.length,
    frames: episodes.reduce((sum, episode) => sum + episode.length, 0),
    problems: listedOnce(problems),
    ...(notes.length > 0 && { notes }),
    ...(fit && { fit }),
  };
}
