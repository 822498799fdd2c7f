import { InputError } from '../../base/index.ts';
import { configOfGoldenCase, type ModelConfig } from '../../model/index.ts';
import type { NdArray, Parameters } from '../../tensor/index.ts';
import { learningRate, Trainer, type TrainingBatch } from '../../train/index.ts';
import { combine, compareArrays, type Outcome, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, pattern, pick } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';
import { cameraInputs, type InputTensors, input, promptColumn } from './observation.ts';
import { type OptimizerConfig, scheduleOf, stepOptions } from './optimizer.ts';

interface Subcase {
  readonly frozen?: readonly string[];
  readonly per_step: readonly Readonly<Record<string, number>>[];
}

/** What a run of the trainer gave: losses and gradient norm of each step, parameters and moving average by number of updates. */
interface Run {
  readonly perStep: readonly Readonly<Record<string, number>>[];
  readonly after: ReadonlyMap<number, { readonly params: Parameters; readonly ema: Parameters }>;
}

/** Real training steps of the trainer over given batches, noise and times. */
export function trainSteps(golden: GoldenCase): Check {
  return async (quantity) => {
    const name = quantity.name.split(':')[0]!;
    const subcase = golden.manifest.subcases?.[name] as Subcase | undefined;
    if (!subcase) throw new InputError(golden.name, `quantity ${quantity.name} belongs to no sub-case.`);
    const run = await golden.once(`run ${name}`, () => train(golden, subcase));
    if (quantity.file === 'manifest.json') return perStep(quantity, subcase, run);
    return leaves(golden, quantity, run);
  };
}

/** A number of every step: `subcases.<name>.per_step[i].<key>`. */
function perStep(quantity: Quantity, { per_step }: Subcase, run: Run): Outcome {
  const key = (quantity.tensor ?? quantity.name.replace(':', '.')).split('.').at(-1)!;
  const expected = Float64Array.from(per_step, (step) => step[key] ?? Number.NaN);
  const got = run.perStep.map((step) => {
    if (step[key] === undefined) throw new UnknownQuantity('train-steps', `the trainer does not report ${key}.`);
    return step[key];
  });
  return combine(
    got.map((value, i) => [
      `step ${i}`,
      compareArrays(
        [value],
        { shape: [1], dtype: 'float64', data: expected.subarray(i, i + 1) },
        toleranceOf(quantity),
      ),
    ]),
  );
}

/** Adam's steps make entries whose gradient is rounding move by up to the learning rate either way: leaves are compared as a whole. */
const RMS_FLOOR = 1e-6;

/** Per leaf rms(got − expected) / rms(expected − start), 0 when the first is below the floor (golden README). */
async function leaves(golden: GoldenCase, quantity: Quantity, run: Run): Promise<Outcome> {
  const start = await golden.tensors(golden.file('params.safetensors'));
  const fits = pattern(quantity.tensor ?? '*');
  const parts: [string, Outcome][] = [];
  for (const [name, target] of await golden.tensors(quantity.file)) {
    const match = /^after(\d+)\/(params|ema)\/(.+)$/.exec(name);
    if (!fits.test(name) || !match) continue;
    const [, steps, kind, leaf] = match as unknown as [string, string, 'params' | 'ema', string];
    if (quantity.except_leaves?.includes(leaf)) continue;
    const got = run.after.get(Number(steps))?.[kind];
    if (!got) throw new UnknownQuantity('train-steps', `${name}: there is no step ${steps}.`);
    parts.push([name, moved(pick(got, leaf, 'the trainer'), target, pick(start, leaf, 'the start'), quantity)]);
  }
  return combine(parts);
}

function moved(got: NdArray, expected: NdArray, start: NdArray, quantity: Quantity): Outcome {
  const [a, b, s] = [numbers(got), numbers(expected), numbers(start)];
  if (a.length !== b.length) throw new InputError('train-steps', `${a.length} numbers (expected ${b.length}).`);
  let [difference, way] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    way += (b[i]! - s[i]!) ** 2;
  }
  const rms = Math.sqrt(difference / b.length);
  const error = Number.isNaN(rms) ? Infinity : rms < RMS_FLOOR ? 0 : rms / Math.sqrt(way / b.length);
  const { worst } = compareArrays(a, expected, { absolute: 0 });
  return { error, tolerance: quantity.tolerance_relative ?? 0, ...(worst && { worst }) };
}

async function train(golden: GoldenCase, subcase: Subcase): Promise<Run> {
  const settings = golden.config as unknown as OptimizerConfig & { readonly batch: number };
  const cameras = golden.config['cameras'] as string[];
  const file = golden.file('inputs.safetensors');
  const tensors = await golden.tensors(file);
  const model = configOfGoldenCase(golden.config, {
    use_fast_auxiliary: tensors.has('step0/fast_tokens'),
    ...golden.config,
    ...subcase,
  });
  const frozen = subcase.frozen ?? [];
  const parameters = frozenAsBfloat16(await golden.tensors(golden.file('params.safetensors')), frozen, model);
  const batches = Array.from({ length: settings.steps }, (_, step) =>
    batchOf({ tensors, where: file, prefix: `step${step}/` }, model, cameras),
  );
  const schedule = scheduleOf(settings);
  const trainer = await Trainer.open({
    model: { ...model, flowSamples: pick(tensors, 'step0/noise', file).shape[0]! },
    batch: batches[0]!.task.length,
    optimizer: stepOptions(settings),
    noiseFactor: null, // the recorded noise is correlated already
    threads: 1,
    frozen,
    imageMask: true,
    start: { parameters },
  });
  const perStep: Record<string, number>[] = [];
  const after = new Map<number, { params: Parameters; ema: Parameters }>();
  try {
    for (const [step, batch] of batches.entries()) {
      const { losses, gradientNorm } = await trainer.step(batch, learningRate(schedule, step));
      perStep.push({
        loss: losses['loss']!,
        action_loss: losses['loss/action']!,
        subtask_loss: losses['loss/stage']!,
        subtask_accuracy: losses['stage_accuracy']!,
        ...(losses['loss/fast'] !== undefined && { fast_loss: losses['loss/fast'] }),
        grad_norm: gradientNorm,
      });
      const { parameters: params, ema } = trainer.snapshot();
      after.set(step + 1, { params, ema });
    }
  } finally {
    await trainer.close();
  }
  return { perStep, after };
}

function batchOf(inputs: InputTensors, model: ModelConfig, cameras: readonly string[]): TrainingBatch {
  const { images, mask } = cameraInputs(inputs, cameras);
  const stage = Int32Array.from(promptColumn(inputs, 1));
  return {
    images: images.data as Uint8Array,
    imageMask: mask.data as Uint8Array,
    state: input(inputs, 'state').data as Float32Array,
    task: Int32Array.from(promptColumn(inputs, 0)),
    stage,
    toldStage: stage,
    actions: input(inputs, 'actions').data as Float32Array,
    whiteNoise: input(inputs, 'noise').data as Float32Array,
    time: input(inputs, 'time').data as Float32Array,
    objects: new Float32Array(0),
    ...(model.useFastAuxiliary && {
      fastTokens: Int32Array.from(numbers(input(inputs, 'fast_tokens'))),
      fastMask: Uint8Array.from(numbers(input(inputs, 'fast_token_mask'))),
    }),
  };
}

const EMBEDDING = 'PaliGemma/llm/embedder/input_embedding';

/**
 * Frozen leaves as the original keeps them, rounded to bfloat16. A frozen embedding also has its factor √width rounded there; since
 * only the state tokens use the table, it takes the ratio of the two factors here.
 */
function frozenAsBfloat16(parameters: Parameters, frozen: readonly string[], model: ModelConfig): Parameters {
  const out: Parameters = new Map(parameters);
  for (const name of frozen) {
    const leaf = pick(parameters, name, 'frozen');
    const root = Math.fround(Math.sqrt(model.vlmWidth));
    const factor = name === EMBEDDING ? bfloat16(root) / root : 1;
    out.set(name, { ...leaf, data: Float32Array.from(leaf.data as Float32Array, (x) => factor * bfloat16(x)) });
  }
  return out;
}

const bits = new DataView(new ArrayBuffer(4));

/** The nearest bfloat16, ties to even. */
export function bfloat16(x: number): number {
  bits.setFloat32(0, x);
  const word = bits.getUint32(0);
  const rounded = word + 0x7fff + ((word >>> 16) & 1);
  bits.setUint32(0, (rounded & 0xffff0000) >>> 0);
  return bits.getFloat32(0);
}
