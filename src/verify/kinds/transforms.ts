import {
  actionsFromModel,
  deltaChunk,
  denormaliseActions,
  denormaliseState,
  normaliseActions,
  normaliseState,
  prefixForModel,
} from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import { PIXEL_TO_FLOAT, resizeFloatForModel, resizeForModel, resizeWithPad } from '../../picture/index.ts';
import { stageAtTime, stateOf, taskById } from '../../robot/index.ts';
import { compareArrays, compareExactly, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, rowOf } from '../goldenCase.ts';
import { GOLDEN_ROBOT } from '../goldenRobot.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';
import { readPicture } from './picture.ts';
import { statisticsOfCase } from './statistics.ts';

/** State, action and picture transforms, both directions. */
export function transforms(golden: GoldenCase): Check {
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    if (quantity.file.endsWith('.json')) return stageLabels(golden, quantity);
    const expected = await golden.tensor(quantity.file, name);
    const picture = /^(client|model|model_float)_(\d+x\d+)$/.exec(name);
    const got = picture
      ? await resized(golden, picture[1]!, picture[2]!)
      : name === 'pixel_to_float'
        ? PIXEL_TO_FLOAT
        : name === 'float_level_to_uint8'
          ? Array.from({ length: expected.shape[0]! }, (_, level) => levelOfFloat(Math.fround(level / 255)))
          : await vectors(golden, quantity.file, name);
    return compareArrays(got, expected, toleranceOf(quantity));
  };
}

async function resized(golden: GoldenCase, how: string, size: string): Promise<ArrayLike<number>> {
  const { files } = golden.manifest as { files?: { pictures?: string } };
  const side = (golden.config['image_size'] as number | undefined) ?? 224;
  const picture = await readPicture(golden, (files?.pictures ?? 'image_HxW.png').replace('HxW', size));
  if (how === 'client') return resizeWithPad(picture, side);
  return how === 'model' ? resizeForModel(picture, side) : resizeFloatForModel(picture, side);
}

/** A training picture's level from x/255 in float32, as the original cuts it off. */
const levelOfFloat = (x: number) => Math.trunc(Math.fround(x * 255));

/** Rows without their padding. */
const unpadded = (row: ArrayLike<number>) =>
  Array.from(row).filter((_, i) => i % GOLDEN_ROBOT.paddedWidth < GOLDEN_ROBOT.width);

/** A quantity of all samples: each row from the inputs of its sample. */
async function vectors(golden: GoldenCase, file: string, name: string): Promise<ArrayLike<number>> {
  const stats = await statisticsOfCase(golden);
  const tensors = await golden.tensors(file);
  const count = (await golden.tensor(file, 'proprio')).shape[0]!;
  const at = (key: string, i: number) => {
    const tensor = tensors.get(key);
    if (!tensor) throw new InputError(file, `has no tensor ${key}.`);
    return numbers(rowOf(tensor, i));
  };
  const state = (i: number) => stateOf(GOLDEN_ROBOT, at('proprio', i));
  const delta = (i: number) => deltaChunk(Float32Array.from(at('actions', i)), state(i), GOLDEN_ROBOT);
  const padded = (i: number) => normaliseState(state(i), stats, GOLDEN_ROBOT);
  const output = (i: number) => denormaliseActions(at('model_output', i), stats);
  // A prefix is made relative to the state of the next sample.
  const prefix = (i: number) => [Float64Array.from(at('prefix', i)), state((i + 1) % count)] as const;
  const make: Record<string, (i: number) => ArrayLike<number>> = {
    state,
    state_normalized: (i) => unpadded(padded(i)),
    state_padded: padded,
    state_for_model: padded,
    state_restored: (i) => denormaliseState(padded(i), stats),
    actions_delta: delta,
    actions_normalized: (i) => unpadded(normaliseActions(delta(i), stats, GOLDEN_ROBOT)),
    actions_padded: (i) => normaliseActions(delta(i), stats, GOLDEN_ROBOT),
    actions_for_model: (i) => normaliseActions(delta(i), stats, GOLDEN_ROBOT),
    actions_unnormalized: output,
    actions_absolute: (i) => actionsFromModel(at('model_output', i), padded(i), stats, GOLDEN_ROBOT),
    prefix_normalized: (i) => prefixForModel(...prefix(i), stats, GOLDEN_ROBOT),
  };
  if (!Object.hasOwn(make, name)) throw new UnknownQuantity('transforms', `${name} is no transform.`);
  return Array.from({ length: count }, (_, i) => Array.from(make[name]!(i))).flat();
}

/** Stage labels by time: a table with named columns; stages of tasks, unless the table lists them. */
async function stageLabels(golden: GoldenCase, quantity: Quantity) {
  const { columns, rows } = await golden.json<{ columns: string[]; rows: number[][] }>(quantity.file);
  const column = (name: string) => {
    const at = columns.indexOf(name);
    if (at < 0) throw new InputError(quantity.file, `has no column ${name}.`);
    return (row: number[]) => row[at]!;
  };
  const [length, time] = [column('episode_length_frames'), column('timestamp_seconds')];
  const numStages = columns.includes('num_stages')
    ? column('num_stages')
    : (row: number[]) => taskById(column('task')(row)).numStages;
  const name = quantity.tensor ?? quantity.name;
  const expected = column(name);
  const seconds = (row: number[]) => (name.endsWith('float32_timestamp') ? Math.fround(time(row)) : time(row));
  return compareExactly(
    rows.map((row, i) => ({
      what: `row ${i}`,
      got: stageAtTime(seconds(row), length(row), numStages(row), GOLDEN_ROBOT.rate),
      expected: expected(row),
    })),
  );
}
