import { join } from 'node:path';
import { InputError, readJson } from '../../../base/index.ts';
import {
  type ActionPart,
  CHALLENGE_ROBOT,
  type Gripper,
  type ProprioceptionLayout,
  parseRobot,
  type Robot,
} from '../../../robot/index.ts';
import { isAddress } from '../../remote/index.ts';
import { type Info, InfoSchema } from '../layout.ts';
import { openDataset } from '../open.ts';
import { recognisedRobot } from '../robotOf.ts';
import { proposedCameras } from './cameras.ts';
import { type ColumnMeaning, columnNames, meaningOf, plainName } from './columnNames.ts';
import { actionExtremes, type Extremes } from './extremes.ts';

/** A robot read from names, and what of it was guessed: sentences for the person who checks it. */
export interface RobotProposal {
  readonly robot: Robot;
  readonly guesses: readonly string[];
}

/**
 * Proposes a robot from a LeRobot data set's own metadata. @throws InputError when the folder has none, or no robot
 * follows from it
 */
export async function proposeRobot(dir: string): Promise<RobotProposal> {
  const folder = isAddress(dir) ? (await openDataset(dir)).root : dir;
  const path = join(folder, 'meta', 'info.json');
  return proposedRobot(await readJson(path, InfoSchema), await actionExtremes(folder), path);
}

/** The same from what was read. @param extremes of the action's columns, which grippers' values are taken from */
export function proposedRobot(info: Info, extremes?: Extremes, where = 'info.json'): RobotProposal {
  const [width, stateWidth] = ['action', 'observation.state'].map((feature) => info.features[feature]?.shape.at(-1));
  if (!width) throw new InputError(where, 'has no feature action with a known number of columns.');
  if (!stateWidth || stateWidth < width)
    throw new InputError(
      where,
      `observation.state has ${stateWidth || 'no'} numbers, the action ${width}. A state needs a number for each ` +
        'column of the action: ' +
        'record them, or write robot.json by hand, with a proprioception layout of its own length whose `state` ' +
        `says where each of the ${width} comes from.`,
    );
  const guesses: string[] = [];
  const known = recognisedRobot(info);
  if (known) guesses.push(`the data set also fits the robot ${known.name} that comes with Valet`);
  const names = columnNames(info, 'action');
  if (!names) guesses.push(`the action's ${width} columns have no names: one part of kind other, nothing relative`);
  const meanings = names?.map(meaningOf) ?? new Array<ColumnMeaning>(width).fill({ part: 'action', kind: 'other' });
  const unread = names?.filter((_, i) => meanings[i]?.kind === 'other') ?? [];
  if (unread.length > 0) guesses.push(`kind other, for their names say nothing known: ${unread.join(', ')}`);
  const grippers = proposedGrippers(meanings, extremes, guesses);
  const parts = proposedParts(meanings, grippers);
  const { layout, matched } = proposedLayout(info, names, width, stateWidth, guesses);
  const joints = meanings.flatMap(({ kind }, column) => (kind === 'joint position' ? [column] : []));
  const deltas = matched || stateWidth === width ? joints : [];
  if (deltas.length > 0)
    guesses.push(
      `relative to the state: the joint positions, columns ${ranges(deltas)
        .map((range) => range.join(':'))
        .join(', ')}`,
    );
  const { cameras, left } = proposedCameras(info);
  if (left.length > 0) guesses.push(`not taken as cameras: ${left.join(', ')}`);
  if (cameras.length === 0) guesses.push('there are no pictures; a network needs at least one camera');
  const horizon = Math.max(1, Math.round(info.fps));
  guesses.push(`a chunk is one second: ${horizon} actions at ${info.fps} Hz`);
  const robot = parseRobot(
    {
      name: info.robot_type || 'robot',
      types: info.robot_type ? [info.robot_type] : [],
      parts,
      deltas,
      grippers,
      rate: info.fps,
      horizon,
      // The published network's width where it is enough, so that its weights fit.
      paddedWidth: Math.max(CHALLENGE_ROBOT.paddedWidth, 8 * Math.ceil(width / 8)),
      proprioception: {
        address: '(?:^|::)proprio$|^observation[./]state$',
        key: 'robot::proprio',
        layouts: [layout],
      },
      cameras,
    },
    where,
  );
  return { robot, guesses };
}

/** Neighbouring columns of one part and kind; a part that comes again gets a number. */
function proposedParts(meanings: readonly ColumnMeaning[], grippers: readonly Gripper[]): ActionPart[] {
  const parts: (ActionPart & { readonly base: string })[] = [];
  for (const [column, { part, kind }] of meanings.entries()) {
    const last = parts.at(-1);
    if (last?.base === part && last.kind === kind) {
      last.columns = [last.columns[0], column + 1];
      continue;
    }
    const again = parts.filter(({ base }) => base === part).length;
    const gripper = grippers.find((one) => one.column === column);
    const unit = gripper ? `${gripper.closed} closed … ${gripper.open} open` : 'as recorded';
    parts.push({
      base: part,
      name: again > 0 ? `${part}${again + 1}` : part,
      columns: [column, column + 1],
      kind,
      unit,
    });
  }
  return parts.map(({ base: _, ...part }) => part);
}

/** Share of the way from closed to open below which a gripper holds nothing, and above which it is open. */
const [NOTHING, OPEN] = [0.01, 0.95];

function proposedGrippers(
  meanings: readonly ColumnMeaning[],
  extremes: Extremes | undefined,
  guesses: string[],
): Gripper[] {
  const found = meanings.flatMap(({ part, kind }, column) => (kind === 'gripper' ? [{ part, column }] : []));
  return found.map(({ part, column }, i) => {
    const [min, max] = [extremes?.min[column], extremes?.max[column]];
    const recorded = min !== undefined && max !== undefined && min < max;
    const [closed, open] = recorded ? [min, max] : [0, 1];
    const again = found.slice(0, i).filter((other) => other.part === part).length;
    const name = again > 0 ? `${part}${again + 1}` : part;
    const source = recorded ? 'the least and largest recorded action' : 'no statistics tell';
    guesses.push(
      `${name} (column ${column}) is closed at ${closed} and open at ${open}: ${source}; swap them if it is the ` +
        'other way round',
    );
    const at = (share: number) => closed + share * (open - closed);
    return { name, column, closed, open, closedOnNothing: at(NOTHING), openAbove: at(OPEN) };
  });
}

/** Where the state's numbers are: those of the action's names, else the first ones. */
function proposedLayout(
  info: Info,
  names: readonly string[] | undefined,
  width: number,
  length: number,
  guesses: string[],
): { layout: ProprioceptionLayout; matched: boolean } {
  const stateNames = columnNames(info, 'observation.state')?.map(plainName);
  const places = names?.map((name) => stateNames?.indexOf(plainName(name)) ?? -1) ?? [];
  const matched = places.length > 0 && places.every((place) => place >= 0);
  if (!matched)
    guesses.push(
      length === width
        ? 'the state is taken to be in the order of the action, for their names do not tell'
        : `the state is taken to be the first ${width} of ${length} numbers, for their names do not tell; nothing ` +
            'is relative to it',
    );
  const columns = matched ? places : Array.from({ length: width }, (_, i) => i);
  return {
    layout: { name: 'data set', length, state: ranges(columns).map(([start, end]) => ({ columns: [start, end] })) },
    matched,
  };
}

/** Neighbours together: [3, 4, 5, 9] is [3, 6) and [9, 10). */
function ranges(columns: readonly number[]): [number, number][] {
  const out: [number, number][] = [];
  for (const column of columns) {
    const last = out.at(-1);
    if (last?.[1] === column) last[1] = column + 1;
    else out.push([column, column + 1]);
  }
  return out;
}
