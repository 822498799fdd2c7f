import { existsSync } from 'node:fs';
import { LARGEST_NUMBER } from '../../action/index.ts';
import { ValetError } from '../../base/index.ts';
import { type Robot, stateOf } from '../../robot/index.ts';
import { type Column, type Dataset, type Episode, isStage, pictureFeatures } from '../lerobot/index.ts';
import { type ReportProblem, withoutPlace } from './problem.ts';
import type { Survey } from './survey.ts';

type Columns = Readonly<Record<string, Column>>;

/**
 * One episode's rows: every column is there, of its width, with numbers that can be used, row by row in order.
 * @param survey hears of them
 */
export async function checkRows(
  dataset: Dataset,
  episode: Episode,
  report: ReportProblem,
  survey: Survey,
): Promise<void> {
  const path = dataset.dataPath(episode);
  if (!existsSync(path)) return report('data-missing', path, `the data of episode ${episode.index} is not there.`);
  let columns: Columns;
  try {
    columns = await readAll(dataset, episode, report);
  } catch (error) {
    if (!(error instanceof ValetError)) throw error;
    return report('data-broken', path, withoutPlace(error));
  }
  for (const [name, column] of Object.entries(columns)) checkNumbers(dataset, episode, name, column, report);
  checkOrder(dataset, episode, columns, report);
  survey.add(episode, columns);
}

/** Columns that the checks need; others are checked when the features name them. */
const NEEDED = ['action', 'observation.state', 'timestamp', 'index', 'episode_index', 'task_index'];

/** The columns of numbers that are needed or named by the features; those that are missing are reported. */
async function readAll(dataset: Dataset, episode: Episode, report: ReportProblem): Promise<Columns> {
  const pictures = new Set(pictureFeatures(dataset.info));
  const there = await dataset.columnNames(episode);
  const wanted = new Set([...NEEDED, ...Object.keys(dataset.info.features).filter((name) => !pictures.has(name))]);
  for (const name of wanted)
    if (!there.includes(name)) {
      wanted.delete(name);
      const message = `column ${name} is missing (the file has ${there.join(', ')}).`;
      report('column-missing', dataset.dataPath(episode), message);
    }
  return dataset.columns(episode, [...wanted]);
}

/** A column has the episode's rows, the feature's width, and numbers that training takes. */
function checkNumbers(
  { info, robot, dataPath }: Dataset,
  episode: Episode,
  name: string,
  column: Column,
  report: ReportProblem,
): void {
  const path = dataPath(episode);
  if (column.rows !== episode.length)
    report('row-count', path, `${name} has ${column.rows} rows, the episode list says ${episode.length}.`);
  const width = info.features[name]?.shape.at(-1);
  if (typeof width === 'number' && width !== column.width)
    report('column-width', path, `${name} has ${column.width} numbers per row, info.json says ${width}.`);
  const placed = (value: number | undefined, row: number, place: number): string =>
    `${name} holds ${value} in row ${row}, place ${place}`;
  const bad = column.data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const row = Math.floor(bad / column.width);
    report('not-finite', path, `${placed(column.data[bad], row, bad % column.width)}.`);
  }
  const large = robot && firstLarge(robot, name, column);
  if (large) {
    const where = placed(large.value, large.row, large.place);
    report('too-large', path, `${where} (training takes at most ${LARGEST_NUMBER}).`);
  }
}

/** The columns that number the rows count on, one by one, and stages are stages. */
function checkOrder(dataset: Dataset, episode: Episode, columns: Columns, report: ReportProblem): void {
  const path = dataset.dataPath(episode);
  const first = (name: string, wrong: (value: number, row: number) => boolean) => {
    const data = columns[name]?.data;
    const row = data?.findIndex(wrong) ?? -1;
    return row >= 0 ? { row, value: data?.[row] } : undefined;
  };
  const time = first('timestamp', (value, row) => Math.abs(value - row / dataset.fps) > 1e-4);
  if (time) report('timestamp', path, `row ${time.row} has time ${time.value} s (expected row / ${dataset.fps}).`);
  const start = columns['index']?.data[0] ?? 0;
  const order = first('index', (value, row) => value !== start + row);
  if (order) {
    const expected = `(expected ${start + order.row}: consecutive numbers)`;
    report('row-numbers', path, `index is ${order.value} in row ${order.row} ${expected}.`);
  }
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
