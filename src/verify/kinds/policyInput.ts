import { normaliseState } from '../../action/index.ts';
import { InputError, present } from '../../base/index.ts';
import { PIXEL_TO_FLOAT, resizeWithPad } from '../../picture/index.ts';
import { type Observation, stateOf } from '../../robot/index.ts';
import { NumpyArray, packMessage, readObservation, unpackMessage } from '../../wire/index.ts';
import { compareArrays, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, pick } from '../goldenCase.ts';
import { GOLDEN_ROBOT } from '../goldenRobot.ts';
import type { Check } from '../kind.ts';
import { readPicture } from './picture.ts';
import { statisticsOfCase } from './statistics.ts';

interface Samples {
  readonly wire_keys: Readonly<Record<'proprio' | 'task' | 'head' | 'left_wrist' | 'right_wrist', string>>;
  readonly samples: readonly {
    readonly task_id: number;
    readonly stage: number;
    readonly files: Readonly<Record<'head' | 'left_wrist' | 'right_wrist', string>>;
  }[];
}

/** The network's picture names → the wire's cameras. */
const PICTURES: Readonly<Record<string, string>> = {
  base_0_rgb: 'head',
  base: 'head',
  left_wrist_0_rgb: 'left_wrist',
  right_wrist_0_rgb: 'right_wrist',
};

/** From an observation on the wire, packed and unpacked, to what the network gets. */
export function policyInput(golden: GoldenCase): Check {
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    const match = /^sample(\d+)\.(.+)$/.exec(name);
    if (!match) throw new UnknownQuantity('policy-input', `${name} belongs to no sample.`);
    const expected = await golden.tensor(quantity.file, name);
    const got = await computed(golden, quantity.file, Number(match[1]), match[2]!);
    return compareArrays(got, expected, toleranceOf(quantity));
  };
}

async function computed(golden: GoldenCase, file: string, sample: number, what: string): Promise<ArrayLike<number>> {
  const side = (golden.config['image_size'] as number | undefined) ?? 224;
  const { observation, stage } = await golden.once(`sample ${sample}`, () => observe(golden, file, sample));
  if (what === 'state')
    return normaliseState(
      stateOf(GOLDEN_ROBOT, observation.proprioception),
      await statisticsOfCase(golden),
      GOLDEN_ROBOT,
    );
  if (what === 'prompt') return [observation.taskId, stage];
  if (what === 'prompt_mask') return [1, 1];
  const rows = /^(.+)_float_rows_(\d+)_(\d+)$/.exec(what);
  const camera = PICTURES[rows?.[1] ?? what];
  if (!camera) throw new UnknownQuantity('policy-input', `${what} is nothing that the network gets.`);
  const picture = resizeWithPad(present(observation.pictures[camera], camera), side);
  if (!rows) return picture;
  const row = side * 3;
  return Array.from(picture.subarray(Number(rows[2]) * row, (Number(rows[3]) + 1) * row), (x) => PIXEL_TO_FLOAT[x]!);
}

async function observe(
  golden: GoldenCase,
  file: string,
  sample: number,
): Promise<{ observation: Observation; stage: number }> {
  const { wire_keys: keys, samples } = await golden.json<Samples>(golden.file('samples.json'));
  const own = samples[sample];
  if (!own) throw new InputError(golden.name, `samples.json has no sample ${sample}.`);
  const proprio = pick(await golden.tensors(file), `sample${sample}.proprio`, file);
  const message: Record<string, NumpyArray> = {
    [keys.proprio]: NumpyArray.of(proprio.data as Float32Array),
    [keys.task]: NumpyArray.of(BigInt64Array.of(BigInt(own.task_id))),
  };
  for (const camera of ['head', 'left_wrist', 'right_wrist'] as const) {
    const { width, height, channels, data } = await readPicture(golden, own.files[camera]);
    message[keys[camera]] = NumpyArray.of(data, [height, width, channels]);
  }
  const { observations } = readObservation(unpackMessage(packMessage(message)), GOLDEN_ROBOT);
  const [observation] = observations;
  return { observation, stage: own.stage };
}
