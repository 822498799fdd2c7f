import { type ChunkStatistics, deltaChunk, readNormStats } from '../../action/index.ts';
import { InputError, Random } from '../../base/index.ts';
import { BadFiles, chunkCount, type Dataset, datasetStatistics, type Episode } from '../../data/index.ts';
import { type Robot, stateOf } from '../../robot/index.ts';
import type { OpenSource, Report } from './source.ts';

/**
 * Delta chunks [horizon, width] of data sets, float32 as in training, episode after episode; chunks that would reach
 * beyond an episode's end are left
 * out.
 */
export async function* deltaChunks(source: OpenSource, phase: string, report: Report): AsyncGenerator<Float32Array> {
  const { datasets, robot, horizon, maxChunks, seed } = source;
  const { width } = robot;
  const episodes = datasets.flatMap((set, s) => set.episodes.map((episode) => ({ set, episode, s })));
  const total = episodes.reduce((sum, { episode }) => sum + chunkCount(episode.length, { horizon }), 0);
  if (total === 0)
    throw new InputError(
      source.folders.join(', '),
      `no episode has a chunk (got ${episodes.length} episodes, all shorter than ${horizon} frames).`,
    );
  const fraction = Math.min(1, maxChunks / total);
  let owed = 0;
  const bad = new BadFiles();
  for (const [done, { set, episode, s }] of episodes.entries()) {
    const count = chunkCount(episode.length, { horizon });
    owed += fraction * count;
    const take = Math.min(count, Math.round(owed));
    owed -= take;
    report(phase, done, episodes.length, 'episodes');
    if (take === 0) continue;
    const read = await bad.try(done, () => readEpisode(set, episode, robot));
    if (!read || bad.isEnough) continue;
    const { stateAt, actions } = read;
    const starts = Array.from({ length: count }, (_, i) => i);
    if (take < count) Random.of(seed, s, episode.index).shuffle(starts);
    for (const start of starts.slice(0, take).sort((a, b) => a - b))
      yield deltaChunk(actions.subarray(start * width, (start + horizon) * width), stateAt(start), robot);
  }
  bad.throwFirst();
  report(phase, episodes.length, episodes.length, 'episodes');
}

/** Statistics from a file, or else of the data sets themselves. */
export async function statisticsFor(
  { folders, datasets, robot, horizon }: OpenSource,
  file: string | undefined,
  report: Report,
): Promise<ChunkStatistics> {
  if (file !== undefined) return readNormStats(file);
  const { statistics } = await datasetStatistics(folders, {
    robot,
    sets: datasets,
    horizon,
    reading: (done, total) => report('quantiles: reading', done, total, 'frames'),
    computing: (part) => report('quantiles: computing', Math.round(100 * part), 100, '%'),
  });
  return statistics;
}

/** Actions [frames, width] of an episode, and the state [width] at a frame. */
async function readEpisode(set: Dataset, episode: Episode, robot: Robot) {
  const { 'observation.state': state, action } = await set.columns(episode, ['observation.state', 'action']);
  if (action.width !== robot.width)
    throw new InputError(
      `${set.root}: episode ${episode.index}`,
      `actions of another width (got ${action.width}, expected ${robot.width}).`,
    );
  const { width, data } = state;
  const stateAt = (frame: number) => stateOf(robot, data.subarray(frame * width, (frame + 1) * width));
  return { stateAt, actions: Float32Array.from(action.data) };
}
