import { z } from 'zod';
import { InputError, parse, readJson } from '../base/index.ts';

const column = z.number().int().nonnegative();
/** Columns [start, end). */
const Columns = z
  .tuple([column, column])
  .refine(([start, end]) => start < end, 'must be [start, end) with start before end');

/** One named part of the action vector. */
const ActionPartSchema = z.strictObject({
  name: z.string().min(1),
  columns: Columns,
  kind: z.enum(['base velocity', 'joint position', 'gripper', 'other']),
  unit: z.string(),
  /** Smallest standard deviation that its numbers are normalised with; the unit's usual one when left out. */
  minStd: z.number().nonnegative().optional(),
});

/** A gripper's column in actions and state, and what its numbers mean. */
const GripperSchema = z.strictObject({
  name: z.string().min(1),
  column,
  closed: z.number(),
  open: z.number(),
  /** A state strictly nearer to `closed` than this can only be reached with nothing between the fingers. */
  closedOnNothing: z.number(),
  /** A state strictly beyond this counts as open. */
  openAbove: z.number(),
});

/**
 * Where numbers of the state come from: columns of the proprioception as they are, or one number made of several,
 * (sum / divide) · multiply + add, every step in float32 as the original computes it.
 */
const StateSourceSchema = z.union([
  z.strictObject({ columns: Columns }),
  z.strictObject({
    sum: z.array(column).min(1),
    divide: z.number().default(1),
    multiply: z.number().default(1),
    add: z.number().default(0),
  }),
]);

/**
 * A vector of proprioception, known by its length: which of its numbers make the state, in the order of the action's
 * columns.
 */
const ProprioceptionLayoutSchema = z.strictObject({
  name: z.string().min(1),
  length: z.number().int().positive(),
  state: z.array(StateSourceSchema).min(1),
  /** What else is in it, by name. */
  fields: z.record(z.string(), Columns).optional(),
});

const Pattern = z.string().refine((text) => {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}, 'must be a regular expression');

const CameraSchema = z.strictObject({
  name: z.string().min(1),
  /** Its key in a data set. */
  feature: z.string().min(1),
  /** Regular expression of its key on the wire, and the key that Valet's own client writes. */
  address: Pattern,
  key: z.string().min(1),
  /** [height, width] in pixels, as the robot takes them; any size is taken on the wire. */
  size: z.tuple([z.number().int().positive(), z.number().int().positive()]),
});

/** A robot as it stands in `robot.json` and under `robot` in a checkpoint's config.json. */
export const RobotRecordSchema = z.strictObject({
  name: z.string().min(1),
  /** What data sets call it (`robot_type`). */
  types: z.array(z.string()).default([]),
  /** The action vector, part by part, without gaps from column 0. */
  parts: z.array(ActionPartSchema).min(1),
  /** Columns that a chunk predicts relative to the state at its start; the others are absolute. */
  deltas: z.array(column),
  grippers: z.array(GripperSchema).default([]),
  /** Control steps a second. */
  rate: z.number().positive(),
  /** Actions a chunk. */
  horizon: z.number().int().positive(),
  /** Numbers per action in the network: the action and zeros. */
  paddedWidth: z.number().int().positive(),
  /** Columns [start, end) that FAST tokens encode; all when left out. */
  fastColumns: z.array(Columns).min(1).optional(),
  proprioception: z.strictObject({
    /** Regular expression of its key on the wire, and the key that Valet's own client writes. */
    address: Pattern,
    key: z.string().min(1),
    layouts: z.array(ProprioceptionLayoutSchema).min(1),
  }),
  /** In the order in which a network sees them. */
  cameras: z.array(CameraSchema),
});
export type RobotRecord = z.infer<typeof RobotRecordSchema>;
export type RobotRecordInput = z.input<typeof RobotRecordSchema>;
export type ActionPart = RobotRecord['parts'][number];
export type Gripper = RobotRecord['grippers'][number];
export type ProprioceptionLayout = RobotRecord['proprioception']['layouts'][number];
export type Camera = RobotRecord['cameras'][number];

/** A robot, with what follows from its record. Plain data: it may be sent to a worker. */
export interface Robot extends RobotRecord {
  /** Numbers per action, and of the state, whose numbers stand in the action's order. */
  readonly width: number;
  /** [width] true where a chunk is relative to the state at its start. */
  readonly deltaMask: readonly boolean[];
  /** Columns of base velocities. */
  readonly baseColumns: readonly number[];
  readonly gripperColumns: readonly number[];
  readonly cameraNames: readonly string[];
}

/** A robot from its record. @throws InputError that says which part of the record is wrong */
export function parseRobot(input: unknown, where = 'robot'): Robot {
  const record = parse(where, RobotRecordSchema, input);
  const wrong = (what: string): never => {
    throw new InputError(where, what);
  };
  let width = 0;
  for (const { name, columns } of record.parts) {
    if (columns[0] !== width)
      wrong(`part ${name} begins at column ${columns[0]} (expected ${width}: parts follow each other).`);
    width = columns[1];
  }
  const outside = [...record.deltas, ...record.grippers.map((gripper) => gripper.column)].find((at) => at >= width);
  if (outside !== undefined) wrong(`column ${outside} lies beyond the action's ${width}.`);
  for (const [name, names] of [
    ['parts', record.parts],
    ['grippers', record.grippers],
    ['cameras', record.cameras],
    ['layouts', record.proprioception.layouts],
  ] as const)
    if (new Set(names.map((one) => one.name)).size < names.length) wrong(`two of its ${name} have the same name.`);
  if (record.paddedWidth < width)
    wrong(`paddedWidth ${record.paddedWidth} is less than the action's ${width} numbers.`);
  if (record.fastColumns?.some(([, end]) => end > width))
    wrong(`fastColumns reach beyond the action's ${width} columns.`);
  const lengths = record.proprioception.layouts.map((layout) => layout.length);
  if (new Set(lengths).size < lengths.length) wrong('two layouts have the same length; they are told apart by it.');
  for (const { name, length, state, fields = {} } of record.proprioception.layouts) {
    const count = state.reduce((sum, source) => sum + ('sum' in source ? 1 : source.columns[1] - source.columns[0]), 0);
    if (count !== width) wrong(`layout ${name} gives ${count} numbers of state (expected ${width}, one per column).`);
    const last = Math.max(
      ...state.map((source) => ('sum' in source ? Math.max(...source.sum) + 1 : source.columns[1])),
      ...Object.values(fields).map(([, end]) => end),
    );
    if (last > length) wrong(`layout ${name} reads beyond its ${length} numbers.`);
  }
  const deltas = new Set(record.deltas);
  return {
    ...record,
    width,
    deltaMask: Array.from({ length: width }, (_, at) => deltas.has(at)),
    baseColumns: record.parts.flatMap(({ kind, columns: [start, end] }) =>
      kind === 'base velocity' ? Array.from({ length: end - start }, (_, i) => start + i) : [],
    ),
    gripperColumns: record.grippers.map((gripper) => gripper.column),
    cameraNames: record.cameras.map((camera) => camera.name),
  };
}

/** The record alone, as it is written to files. */
export function robotRecord(robot: Robot): RobotRecord {
  const { width: _, deltaMask: __, baseColumns: ___, gripperColumns: ____, cameraNames: _____, ...record } = robot;
  return record;
}

/** Reads `robot.json`. @throws InputError that names the file and what is wrong */
export async function readRobot(file: string): Promise<Robot> {
  return parseRobot(await readJson(file, z.unknown()), file);
}

/**
 * Whether two robots are the same in all that a policy depends on; names, what data sets call them and the floors of
 * their statistics do not count.
 */
export function sameRobot(a: Robot, b: Robot): boolean {
  const essence = ({ name: _, types: __, parts, ...rest }: RobotRecord) =>
    JSON.stringify({ parts: parts.map(({ minStd: ___, ...part }) => part), ...rest });
  return essence(robotRecord(a)) === essence(robotRecord(b));
}

/** Whether a gripper's state (compared in float64) says that it closed on nothing, or that it is open. */
export const closedOnNothing = ({ closed, open, closedOnNothing: bound }: Gripper, state: number): boolean =>
  closed < open ? state < bound : state > bound;
export const isOpen = ({ closed, open, openAbove }: Gripper, state: number): boolean =>
  closed < open ? state > openAbove : state < openAbove;

/** Whether a camera moves with a hand: the original tells it by the name, too. */
export const isWristCamera = (camera: string): boolean => camera.includes('wrist');

/** A dimension by its part of the robot, and its number within. */
export function dimensionName({ parts }: Robot, column: number): string {
  const part = parts.find(({ columns: [start, end] }) => column >= start && column < end);
  return part ? `${part.name} ${column - part.columns[0]}` : `column ${column}`;
}
