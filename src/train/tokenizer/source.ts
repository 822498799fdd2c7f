import { commonRobot, type DataChoice, type Dataset, openSets } from '../../data/index.ts';
import { parseRobot, type Robot, type RobotRecord } from '../../robot/index.ts';

/** Told how far a phase of the work is: `done` of `total` `unit`s. */
export type Report = (phase: string, done: number, total: number, unit: string) => void;

/** Which chunks of which data sets are taken; plain data, sent to a worker. */
export interface Source {
  readonly folders: readonly string[];
  /** Whose they are; when left out, as the data sets say. */
  readonly robot?: RobotRecord | undefined;
  /** What of them is taken. */
  readonly choice?: DataChoice | undefined;
  /** Actions per chunk; the robot's when left out. */
  readonly horizon?: number | undefined;
  /** At most so many chunks, drawn evenly from all episodes. */
  readonly maxChunks: number;
  readonly seed: string;
}

/** A source whose data sets are open. */
export interface OpenSource extends Omit<Source, 'robot'> {
  readonly robot: Robot;
  readonly horizon: number;
  readonly datasets: readonly Dataset[];
  /** What a person should know of the data. */
  readonly notes: readonly string[];
}

/** @throws InputError when a data set cannot be opened, or they are of no known robot, or of different ones */
export async function openSource(source: Source): Promise<OpenSource> {
  const given = source.robot && parseRobot(source.robot);
  const { sets: datasets, notes } = await openSets(source.folders, { robot: given, choice: source.choice });
  const robot = commonRobot(datasets);
  return { ...source, robot, horizon: source.horizon ?? robot.horizon, datasets, notes };
}
