import {
  actionsFromModel,
  deltaChunk,
  denormaliseActions,
  normaliseActions,
  normaliseState,
  PIXEL_TO_FLOAT,
  prefixForModel,
  resizeFloatForModel,
  resizeForModel,
  resizeWithPad,
  stageAtTime,
  stateFromProprioception,
  taskById,
} from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import { compareArrays, compareExactly, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, rowOf } from '../goldenCase.ts';
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

/** A quantity of all samples: each row from the inputs of its sample. */
async function vectors(golden: GoldenCase, file: string, name: string): Promise<ArrayLike<number>> {
  const stats = await statisticsOfCase(golden);
  const tensors = await golden.tensors(file);
  const count = (await golden.tensor(file, 'proprio')).shape[0]!;
  const at = (key: string, i: number) => {
    const tensor = tensors.get(key);
    if (!tensor) throw new InputError(file, `has no tensor ${key}.`);
    return rowOf(tensor, i).data as Float32Array;
  };
  const state = (i: number) => stateFromProprioception(at('proprio', i));
  const delta = (i: number) => deltaChunk(at('actions', i), state(i));
  const padded = (i: number) => normaliseState(state(i), stats);
  const make: Record<string, (i: number) => ArrayLike<number>> = {
    state,
    state_for_model: padded,
    actions_delta: delta,
    actions_for_model: (i) => normaliseActions(delta(i), stats),
    actions_unnormalized: (i) => denormaliseActions(at('model_output', i), stats),
    actions_absolute: (i) => actionsFromModel(at('model_output', i), padded(i), stats),
    // A prefix is made relative to the state of the next sample.
    prefix_normalized: (i) => prefixForModel(Float64Array.from(at('prefix', i)), state((i + 1) % count), stats),
  };
  if (!Object.hasOwn(make, name)) throw new UnknownQuantity('transforms', `${name} is no transform.`);
  return Array.from({ length: count }, (_, i) => Array.from(make[name]!(i))).flat();
}

/** Stage labels by time: a table with named columns. */
async function stageLabels(golden: GoldenCase, quantity: Quantity) {
  const { columns, rows } = await golden.json<{ columns: string[]; rows: number[][] }>(quantity.file);
  const column = (name: string) => {
    const at = columns.indexOf(name);
    if (at < 0) throw new InputError(quantity.file, `has no column ${name}.`);
    return (row: number[]) => row[at]!;
  };
  const [task, length, time] = [column('task'), column('episode_length_frames'), column('timestamp_seconds')];
  const expected = column(quantity.tensor ?? quantity.name);
  return compareExactly(
    rows.map((row, i) => ({
      what: `row ${i}`,
      got: stageAtTime(time(row), length(row), taskById(task(row)).numStages),
      expected: expected(row),
    })),
  );
}
