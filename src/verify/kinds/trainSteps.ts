import { InputError } from '../../base/index.ts';
import type { ModelConfig } from '../../model/index.ts';
import type { NdArray, Parameters } from '../../tensor/index.ts';
import { learningRate, Trainer, type TrainingBatch } from '../../train/index.ts';
import { compareArrays, type Outcome, toleranceOf, UnknownQuantity, worstOf } from '../compare.ts';
import { type GoldenCase, numbers, pattern, pick } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';
import { fittedConfig, forward, type LossCase, lossFeeds, lossGradients } from './lossCase.ts';
import { computed } from './networkValues.ts';
import { cameraInputs, type InputTensors, input, promptColumn } from './observation.ts';
import { type OptimizerConfig, scheduleOf, stepOptions } from './optimizer.ts';
import { fileOf, matching, needSubcase, parametersOf, type SubcaseOf, tensorOf } from './subcase.ts';

type Numbers = Readonly<Record<string, number>>;

/** What a run of the trainer gave. */
interface Run {
  readonly model: ModelConfig;
  readonly frozen: readonly string[];
  /** Losses and gradient norm of each step. */
  readonly perStep: readonly Numbers[];
  /** Parameters and moving average by number of updates, 0 the start. */
  readonly after: readonly { readonly params: Parameters; readonly ema: Parameters }[];
  /** The inputs of step `i`, for numbers that the trainer does not report. */
  readonly step: (i: number) => LossCase;
}

/** Real training steps of the trainer over given batches, noise and times. */
export function trainSteps(golden: GoldenCase): Check {
  return async (quantity) => {
    const subcase = needSubcase(golden, quantity);
    const run = await golden.once(`run ${subcase.name}`, () => train(golden, subcase));
    if (quantity.file.endsWith('.json')) return perStep(golden, quantity, subcase, run);
    return leaves(golden, quantity, subcase, run);
  };
}

/** A number of every step: `subcases.<name>.per_step[i].<key>`. */
async function perStep(
  golden: GoldenCase,
  quantity: Quantity,
  { name, options }: SubcaseOf,
  run: Run,
): Promise<Outcome> {
  const key = tensorOf(quantity).split('.').at(-1)!;
  const expected = (options['per_step'] ?? golden.config['per_step']) as readonly Numbers[] | undefined;
  if (!expected) throw new InputError(golden.name, `sub-case ${name} has no per_step.`);
  const parts: [string, Outcome][] = [];
  for (const [i, step] of expected.entries()) {
    const target = step[key];
    if (target === undefined) throw new InputError(golden.name, `per_step[${i}] of ${name} has no ${key}.`);
    if (i >= run.perStep.length) throw new InputError(golden.name, `the inputs have no step ${i}.`);
    const got = run.perStep[i]![key] ?? (await otherNumber(golden, name, key, i, run));
    const array: NdArray = { shape: [1], dtype: 'float64', data: Float64Array.of(target) };
    parts.push([`step ${i}`, compareArrays([got], array, toleranceOf(quantity))]);
  }
  return worstOf(parts);
}

/** Numbers that the trainer does not report, from the network with the parameters before the step. */
async function otherNumber(golden: GoldenCase, name: string, key: string, i: number, run: Run): Promise<number> {
  if (key === 'param_norm') return parameterNorm(run.after[i + 1]!.params);
  if (key === 'grad_norm_vlm' || key === 'grad_norm_action_expert') {
    const gradients = await golden.once(`gradients ${name} ${i}`, () => lossGradients(run.step(i)));
    const own = [...gradients].filter(
      ([leaf]) => !run.frozen.includes(leaf) && ACTION_EXPERT.test(leaf) === (key === 'grad_norm_action_expert'),
    );
    return norm(own.map(([, array]) => numbers(array)));
  }
  const values = await golden.once(`values ${name} ${i}`, () => forward(run.step(i)));
  const loss = computed(`loss/${key}`, run.model, values);
  return Array.from(loss).reduce((a, b) => a + b, 0) / loss.length;
}

/** Leaves that the original counts to the action expert when it reports the two norms of an insulated run. */
const ACTION_EXPERT = /_1(\/|$)|^action_|^time_mlp|^kv_transform/;

/** Of leaves with more than one axis that are no bias, scale or embedding of positions or tokens. */
function parameterNorm(parameters: Parameters): number {
  const counts = ([name, { shape }]: [string, NdArray]) =>
    shape.length > 1 && !/(^|\/)(bias|scale|pos_embedding|input_embedding)$/.test(name);
  return norm([...parameters].filter(counts).map(([, array]) => numbers(array)));
}

function norm(arrays: readonly ArrayLike<number>[]): number {
  let sum = 0;
  for (const array of arrays) for (let i = 0; i < array.length; i++) sum += array[i]! ** 2;
  return Math.sqrt(sum);
}

/**
 * Adam's steps make entries whose gradient is rounding move by up to the learning rate either way: leaves are compared
 * as a whole.
 */
const RMS_FLOOR = 1e-6;

/** Per leaf rms(got − expected) / rms(expected − start), 0 when the first is below the floor (golden README). */
async function leaves(golden: GoldenCase, quantity: Quantity, subcase: SubcaseOf, run: Run): Promise<Outcome> {
  const start = await golden.tensors(fileOf(golden, subcase, 'params', 'params.safetensors'));
  const parts: [string, Outcome][] = [];
  for (const [name, target] of matching(await golden.tensors(quantity.file), quantity)) {
    const match = /^after(\d+)\/(params|ema|ema_frozen|params_frozen)\/(.+)$/.exec(name);
    if (!match) throw new UnknownQuantity('train-steps', `${name} is not something that training gives.`);
    const [, steps, kind, leaf] = match as unknown as [string, string, string, string];
    if (quantity.except_leaves?.some((except) => pattern(except).test(leaf))) continue;
    if (kind === 'ema_frozen') {
      const own = shrinkingAverage(pick(start, leaf, 'the start'), Number(steps), golden.config['ema_decay'] as number);
      parts.push([name, compareArrays(own, target, toleranceOf(quantity))]);
      continue;
    }
    const got = run.after[Number(steps)]?.[kind === 'ema' ? 'ema' : 'params'];
    if (!got) throw new UnknownQuantity('train-steps', `${name}: there is no step ${steps}.`);
    const own = pick(got, leaf, 'the trainer');
    const exact = kind === 'params_frozen' || quantity.measure === undefined;
    const outcome = exact
      ? compareArrays(numbers(own), target, toleranceOf(quantity))
      : moved(own, target, pick(start, leaf, 'the start'), quantity);
    parts.push([name, outcome]);
  }
  return worstOf(parts);
}

/**
 * The moving average of a frozen leaf as the original has it, every operation rounded to bfloat16, so that it shrinks.
 * Valet's own average of a frozen leaf stays what the leaf is; this is here to show that the difference is known.
 */
function shrinkingAverage(start: NdArray, steps: number, decay: number): Float32Array {
  const [keep, take] = [bfloat16(decay), bfloat16(1 - decay)];
  return Float32Array.from(numbers(start), (value) => {
    const p = bfloat16(value);
    let ema = p;
    for (let step = 0; step < steps; step++) ema = bfloat16(bfloat16(keep * ema) + bfloat16(take * p));
    return ema;
  });
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

async function train(golden: GoldenCase, subcase: SubcaseOf): Promise<Run> {
  const { options } = subcase;
  const settings = { ...golden.config, ...options } as unknown as OptimizerConfig;
  const file = fileOf(golden, subcase, 'inputs', 'inputs.safetensors');
  const tensors = await golden.tensors(file);
  const fast = { use_fast_auxiliary: golden.config['use_fast_auxiliary'] ?? tensors.has('step0/fast_tokens') };
  const model = fittedConfig(golden, { ...fast, ...options }, tensors, 'step0/');
  const given = await parametersOf(golden, fileOf(golden, subcase, 'params', 'params.safetensors'), model);
  const patterns = ((options['frozen'] ?? golden.config['frozen'] ?? []) as readonly string[]).map(pattern);
  const frozen = [...given.keys()].filter((leaf) => patterns.some((fits) => fits.test(leaf)));
  const start = frozenAsBfloat16(given, frozen, model);
  const steps = settings.steps ?? stepsOf(tensors);
  const mask = typeof options['image_mask'] === 'string' ? options['image_mask'] : undefined;
  const inputsOf = (step: number) => ({ tensors, where: file, prefix: `step${step}/` });
  const batches = Array.from({ length: steps }, (_, step) => batchOf(inputsOf(step), model, mask));
  const schedule = scheduleOf(settings);
  const trainer = await Trainer.open({
    model,
    batch: batches[0]!.task.length,
    optimizer: stepOptions(settings),
    noiseFactor: null, // the recorded noise is correlated already
    threads: 1,
    frozen,
    imageMask: true,
    fastTokens: batches[0]!.fastTokens !== undefined,
    start: { parameters: start },
  });
  const perStep: Numbers[] = [];
  const after = [{ params: start, ema: start }];
  try {
    for (const [step, batch] of batches.entries()) {
      const { losses, gradientNorm } = await trainer.step(batch, learningRate(schedule, step));
      perStep.push({
        loss: losses['loss']!,
        total_loss: losses['loss']!,
        action_loss: losses['loss/action']!,
        subtask_loss: losses['loss/stage']!,
        subtask_accuracy: losses['stage_accuracy']!,
        ...(losses['loss/fast'] !== undefined && { fast_loss: losses['loss/fast'] }),
        grad_norm: gradientNorm,
      });
      const { parameters: params, ema } = trainer.snapshot();
      const whole = (trained: Parameters): Parameters => new Map([...start, ...trained]);
      after.push({ params: whole(params), ema: whole(ema) });
    }
  } finally {
    await trainer.close();
  }
  const step = (i: number): LossCase => ({
    config: model,
    parameters: after[i]!.params,
    feeds: lossFeeds(inputsOf(i), model, mask),
  });
  return { model, frozen, perStep, after, step };
}

/** One more than the largest number of a `step<i>/…`. */
function stepsOf(tensors: Parameters): number {
  return Math.max(0, ...[...tensors.keys()].map((name) => 1 + Number(/^step(\d+)\//.exec(name)?.[1] ?? -1)));
}

function batchOf(inputs: InputTensors, model: ModelConfig, maskName: string | undefined): TrainingBatch {
  const { images, mask } = cameraInputs(inputs, model.cameras, maskName);
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
    ...(model.useFastAuxiliary &&
      inputs.tensors.has(`${inputs.prefix ?? ''}fast_tokens`) && {
        fastTokens: Int32Array.from(numbers(input(inputs, 'fast_tokens'))),
        fastMask: Uint8Array.from(numbers(input(inputs, 'fast_token_mask'))),
      }),
  };
}

const EMBEDDING = 'PaliGemma/llm/embedder/input_embedding';

/**
 * Frozen leaves as the original keeps them, rounded to bfloat16. A frozen embedding also has its factor √width rounded
 * there; since only the state tokens use the table, it takes the ratio of the two factors here.
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
function bfloat16(x: number): number {
  bits.setFloat32(0, x);
  const word = bits.getUint32(0);
  const rounded = word + 0x7fff + ((word >>> 16) & 1);
  bits.setUint32(0, (rounded & 0xffff0000) >>> 0);
  return bits.getFloat32(0);
}
