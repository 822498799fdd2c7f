import { columnName, copyParquet, footerWord, parquetSchema } from '../lerobot/index.ts';
import type { KeptEpisode } from './keptEpisode.ts';

/** Holds the types of columns for Hugging Face's `datasets`, where one of its writers has been at work. */
const HUGGING_FACE = 'huggingface';
/** The stage of a frame. */
export const STAGE = 'annotation.stage';
/** A row's number in its episode. */
const ROW = '"frame of its episode"';

/**
 * Writes the rows of a kept episode as a parquet file of its own. All columns are kept, in their types; those that
 * number episodes, tasks and frames say what is so in the new set.
 * @param first `index` of its first frame: the frames of the episodes before it
 * @param stages of each frame of the old episode, where they are new
 */
export async function copyRows(kept: KeptEpisode, out: string, first: number, stages?: Uint16Array): Promise<void> {
  const { source, episode, index, taskIndex, from, to } = kept;
  const path = source.dataPath(episode);
  const schema = await parquetSchema(path);
  const has = (name: string) => schema.some((column) => column.name === name);
  const renewed: Record<string, string> = {
    episode_index: `${index}`,
    task_index: `${taskIndex}`,
    index: `${ROW} - ${from} + ${first}`,
    frame_index: `${ROW} - ${from}`,
    ...(stages && { [STAGE]: stageOfRow(stages) }),
    ...(from > 0 && { timestamp: `timestamp - ${from / source.fps}` }),
  };
  const replaced = schema
    .filter(({ name }) => name in renewed)
    .map(({ name, type }) => `(${renewed[name]})::${type} as ${columnName(name)}`);
  const replace = replaced.length > 0 ? ` replace (${replaced.join(', ')})` : '';
  // LeRobot's own readers want it; BEHAVIOR's recordings lack it.
  const frames = has('frame_index') ? '' : `, (${ROW} - ${from})::bigint as frame_index`;
  const own = !stages || has(STAGE) ? '' : `, (${stageOfRow(stages)})::bigint as ${columnName(STAGE)}`;
  const where = source.format === 'v3.0' ? ` where episode_index = ${episode.index}` : '';
  const order = has('frame_index') ? 'frame_index' : 'file_row_number';
  const word = await footerWord(path, HUGGING_FACE);
  await copyParquet(
    out,
    [path],
    (table) =>
      `select * exclude (file_row_number, ${ROW})${replace}${frames}${own} from
       (select *, row_number() over (order by ${order}) - 1 as ${ROW} from ${table}${where})
       where ${ROW} >= ${from} and ${ROW} < ${to} order by ${ROW}`,
    word === undefined || frames !== '' || own !== '' ? {} : { [HUGGING_FACE]: word },
  );
}

/** SQL of the stage by a row's number: a case for each run of equal ones. */
function stageOfRow(stages: Uint16Array): string {
  const cases: string[] = [];
  for (let end = 1; end < stages.length; end++)
    if (stages[end] !== stages[end - 1]) cases.push(`when ${ROW} < ${end} then ${stages[end - 1]}`);
  const last = `${stages.at(-1) ?? 0}`;
  return cases.length === 0 ? last : `case ${cases.join(' ')} else ${last} end`;
}
