import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eachJsonLine, present, ValetError } from '../../base/index.ts';
import { type Dataset, EpisodeStatsLine } from '../lerobot/index.ts';
import { type ReportProblem, withoutPlace } from './problem.ts';

/** What the index files say of the whole set: totals, statistics, and the files that it names. */
export async function checkIndex(dataset: Dataset, report: ReportProblem, note: ReportProblem): Promise<void> {
  checkTotals(dataset, report, note);
  if (dataset.format !== 'v2.1') return;
  if (!dataset.remote) await checkUnlisted(dataset, report);
  await checkStats(dataset, report);
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

const WRITTEN_ANEW = '`valet data convert` makes a copy that has it.';

/** LeRobot v2.1 refuses a data set without per-episode statistics. */
async function checkStats(dataset: Dataset, report: ReportProblem): Promise<void> {
  if (dataset.info.codebase_version === 'v2.0') return; // which has meta/stats.json of the whole set
  const path = join(dataset.root, 'meta', 'episodes_stats.jsonl');
  if (!existsSync(path))
    return report('index', path, `is missing; LeRobot refuses a set of v2.1 without it. ${WRITTEN_ANEW}`);
  try {
    const have = new Set<number>();
    for await (const { value } of eachJsonLine(path, EpisodeStatsLine)) have.add(value.episode_index);
    const without = dataset.episodes.filter((episode) => !have.has(episode.index));
    if (without.length > 0)
      report(
        'index',
        path,
        `has no line for ${without.length} episodes, the first of them ${present(without[0], 'without[0]').index}. ` +
          WRITTEN_ANEW,
      );
  } catch (error) {
    if (!(error instanceof ValetError)) throw error;
    report('index', error.where, withoutPlace(error));
  }
}
