import { type ChunkStatistics, deltaChunk, readNormStats, StatisticsAccumulator } from '../../action/index.ts';
import { InputError, Random } from '../../base/index.ts';
import { type Dataset, type Episode, openDataset } from '../../data/index.ts';
import { CHALLENGE_ROBOT, stateOf } from '../../robot/index.ts';

/** Told how far a phase of the work is: `done` of `total` `unit`s. */
export type Report = (phase: string, done: number, total: number, unit: string) => void;

export interface Source {
  readonly folders: readonly string[];
  readonly horizon: number;
  /** At most so many chunks, drawn evenly from all episodes. */
  readonly maxChunks: number;
  readonly seed: string;
}

/** Delta chunks [T, 23] of data sets, float32 as in training, episode after episode; chunks that would reach beyond an episode's end are left out. */
export async function* deltaChunks(source: Source, phase: string, report: Report): AsyncGenerator<Float32Array> {
  const { horizon, maxChunks, seed } = source;
  const sets = await openAll(source);
  const episodes = sets.flatMap((set, s) => set.episodes.map((episode) => ({ set, episode, s })));
  const total = episodes.reduce((sum, { episode }) => sum + Math.max(0, episode.length - horizon + 1), 0);
  if (total === 0)
    throw new InputError(
      source.folders.join(', '),
      `no episode has a chunk (got ${episodes.length} episodes, all shorter than ${horizon} frames).`,
    );
  const fraction = Math.min(1, maxChunks / total);
  let owed = 0;
  for (const [done, { set, episode, s }] of episodes.entries()) {
    const count = Math.max(0, episode.length - horizon + 1);
    owed += fraction * count;
    const take = Math.min(count, Math.round(owed));
    owed -= take;
    report(phase, done, episodes.length, 'episodes');
    if (take === 0) continue;
    const { state, actions } = await readEpisode(set, episode);
    const starts = Array.from({ length: count }, (_, i) => i);
    if (take < count) Random.of(seed, s, episode.index).shuffle(starts);
    for (const start of starts.slice(0, take).sort((a, b) => a - b))
      yield deltaChunk(
        actions.subarray(start * CHALLENGE_ROBOT.width, (start + horizon) * CHALLENGE_ROBOT.width),
        state.subarray(start * CHALLENGE_ROBOT.width, (start + 1) * CHALLENGE_ROBOT.width),
      );
  }
  report(phase, episodes.length, episodes.length, 'episodes');
}

/** Statistics from a file, or else of the data sets themselves. */
export async function statisticsFor(
  source: Source,
  file: string | undefined,
  report: Report,
): Promise<ChunkStatistics> {
  if (file !== undefined) return readNormStats(file);
  const accumulator = new StatisticsAccumulator({ horizon: source.horizon });
  for (const set of await openAll(source))
    for (const [i, episode] of set.episodes.entries()) {
      const columns = await readEpisode(set, episode);
      named(`${set.root}: episode ${episode.index}`, () => accumulator.add(columns));
      report('quantiles: reading', i + 1, set.episodes.length, 'episodes');
    }
  return named(source.folders.join(', '), () =>
    accumulator.finish((part) => report('quantiles: computing', Math.round(100 * part), 100, '%')),
  );
}

/** Puts before an error's message where its numbers came from. */
function named<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(where, error.message, { cause: error });
  }
}

async function openAll({ folders }: Source): Promise<Dataset[]> {
  return Promise.all(folders.map((folder) => openDataset(folder)));
}

/** States and actions [frames, 23] of an episode. */
async function readEpisode(set: Dataset, episode: Episode): Promise<{ state: Float32Array; actions: Float32Array }> {
  const { 'observation.state': state, action } = await set.columns(episode, ['observation.state', 'action']);
  if (action.width !== CHALLENGE_ROBOT.width)
    throw new InputError(
      `${set.root}: episode ${episode.index}`,
      `actions of another width (got ${action.width}, expected ${CHALLENGE_ROBOT.width}).`,
    );
  const raw = Float32Array.from(state.data);
  const actions = Float32Array.from(action.data);
  if (state.width === CHALLENGE_ROBOT.width) return { state: raw, actions };
  const states = new Float32Array(state.rows * CHALLENGE_ROBOT.width);
  for (let i = 0; i < state.rows; i++)
    states.set(
      stateOf(CHALLENGE_ROBOT, raw.subarray(i * state.width, (i + 1) * state.width)),
      i * CHALLENGE_ROBOT.width,
    );
  return { state: states, actions };
}
