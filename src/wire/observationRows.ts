import { InputError } from '../base/index.ts';
import { encodedJpeg, isJpeg, LARGEST_SIDE } from '../picture/index.ts';
import type { Picture, Robot } from '../robot/index.ts';
import { NumpyArray, NumpyScalar } from './numpy.ts';
import { arrayAt, numbersAt } from './otherForms.ts';
import type { WireMap, WireValue } from './value.ts';

/**
 * A number beyond this is none that a robot measures, and could overflow float32 where the state is computed from it.
 */
const LARGEST_NUMBER = 1e30;
/** The most robots of one message. */
const MOST_ROWS = 1024;

/** How many robots a message is of, and whether its arrays have a leading axis for them. */
interface Rows {
  readonly count: number;
  readonly batched: boolean;
}

/** Proprioception, float32 [length] of each row; the shape [N, length] says how many rows there are. */
export function readProprioceptions(
  message: WireMap,
  key: string,
  robot: Robot,
): { rows: Float32Array[]; batched: boolean } {
  const value = numbersAt(key, message.get(key));
  const { shape, dtype } = value;
  const lengths = robot.proprioception.layouts.map((layout) => layout.length);
  const batched = shape.length === 2;
  const [count = 0] = batched ? shape : [1];
  const length = shape.at(-1) ?? 0;
  const fits = (shape.length === 1 || batched) && count >= 1 && count <= MOST_ROWS;
  if (!fits || !lengths.includes(length) || dtype.charAt(1) !== 'f')
    throw new InputError(
      'observation',
      `"${shown(key)}" is ${dtype} [${shape}] (expected float32 [${lengths.join('] or [')}] of robot ` +
        `${robot.name}, with at most a leading axis of the robots, 1…${MOST_ROWS}).`,
    );
  const values = value.float32();
  const used = stateColumns(robot, length);
  const bad = values.findIndex((number, i) => !(Math.abs(number) <= LARGEST_NUMBER) && used.has(i % length));
  if (bad >= 0) {
    const number = values[bad] ?? Number.NaN;
    const what = Number.isFinite(number) ? `out of range (up to ${LARGEST_NUMBER} either way)` : 'not finite';
    const where = count > 1 ? `row ${Math.floor(bad / length)}, number ${bad % length}` : `number ${bad}`;
    throw new InputError('observation', `"${shown(key)}" is ${what} (${where} is ${number}).`);
  }
  const rows = Array.from({ length: count }, (_, row) => values.subarray(row * length, (row + 1) * length));
  return { rows, batched };
}

/** Columns of a vector of this length that the robot's state is made of; nothing else looks at the others. */
function stateColumns({ proprioception }: Robot, length: number): Set<number> {
  const layout = proprioception.layouts.find((candidate) => candidate.length === length);
  return new Set(
    layout?.state.flatMap((source) => {
      if ('sum' in source) return source.sum;
      const [start, end] = source.columns;
      return Array.from({ length: end - start }, (_, i) => start + i);
    }),
  );
}

/** A camera's picture for each row, views of the message. */
export function readPictures(key: string, value: WireValue | undefined, { count, batched }: Rows): Picture[] {
  const jpegs = jpegFiles(value, { count, batched });
  if (jpegs) return jpegs.map(encodedJpeg);
  const { dtype, shape, bytes } = arrayAt(key, value);
  const stacked = batched && shape.length === 4;
  const [height = 0, width = 0, channels = 0] = shape.slice(stacked ? 1 : 0);
  const fits = stacked ? shape[0] === count : shape.length === 3 && count === 1;
  const sized = height >= 1 && width >= 1 && height <= LARGEST_SIDE && width <= LARGEST_SIDE;
  if (dtype !== '|u1' || !fits || !sized || (channels !== 3 && channels !== 4))
    throw new InputError(
      'observation',
      `"${shown(key)}" is ${dtype} [${shape}] (expected uint8 [${count > 1 ? `${count}, ` : ''}height, width, ` +
        `3 or 4], 1…${LARGEST_SIDE} pixels a side${count > 1 ? `, for ${count} robots` : ''}).`,
    );
  const size = height * width * channels;
  return Array.from({ length: count }, (_, row) => {
    const data = count === 1 ? bytes : bytes.subarray(row * size, (row + 1) * size);
    return { width, height, channels, data };
  });
}

/**
 * JPEG files in place of pictures: uint8 [bytes], or [N, bytes] with shorter files filled up by anything; undefined
 * where these are pixels.
 */
function jpegFiles(value: WireValue | undefined, { count, batched }: Rows): Uint8Array[] | undefined {
  if (!(value instanceof NumpyArray) || value.dtype !== '|u1') return undefined;
  const { shape, bytes } = value;
  const stacked = batched && shape.length === 2 && shape[0] === count;
  if (!stacked && (shape.length !== 1 || count > 1)) return undefined;
  const size = bytes.length / count;
  const files = Array.from({ length: count }, (_, row) => bytes.subarray(row * size, (row + 1) * size));
  return files.every(isJpeg) ? files : undefined;
}

/** The task of each row: one integer for all, or one each, [N] or [N, 1]; -1 where none is told. */
export function readTasks(value: WireValue | undefined, count: number): number[] {
  if (value === undefined || value === null) return new Array<number>(count).fill(-1);
  if (value instanceof NumpyArray) {
    const each = count > 1 && value.size === count && value.shape[0] === count;
    if ((value.size !== 1 && !each) || !'iu'.includes(value.dtype.charAt(1)))
      throw new InputError(
        'observation',
        `"task_id" is ${value.dtype} [${value.shape}] (expected ` + `${integersFor(count)}).`,
      );
    return Array.from({ length: count }, (_, row) => integer(value.at(each ? row : 0)));
  }
  if (Array.isArray(value)) return tasksOf(value as WireValue[], count);
  return new Array<number>(count).fill(integer(value));
}

/** A plain list of one task for all rows, or one each; each may stand in a list of its own. */
function tasksOf(list: readonly WireValue[], count: number): number[] {
  const tasks = list.map((one) => integer(Array.isArray(one) && one.length === 1 ? (one as WireValue[])[0] : one));
  if (tasks.length !== 1 && tasks.length !== count)
    throw new InputError('observation', `"task_id" is a list of ${tasks.length} (expected ${integersFor(count)}).`);
  return Array.from({ length: count }, (_, row) => tasks[tasks.length === 1 ? 0 : row] as number);
}

const integersFor = (count: number) => (count > 1 ? `${count} integers, or one for all` : 'one integer');

function integer(value: unknown): number {
  const plain = value instanceof NumpyScalar ? value.value : value;
  const number = typeof plain === 'bigint' ? Number(plain) : plain;
  if (!Number.isSafeInteger(number))
    throw new InputError('observation', '"task_id" is no integer (expected a task of the checkpoint, or -1 for none).');
  return number as number;
}

const shown = (key: string): string => key.slice(0, 80);
