import { type ChunkStatistics, CorrelatedNoise, Inpainter } from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import { ActionSampler, flowNoise, type ModelConfig, type SamplerInputs } from '../../model/index.ts';
import type { Device, NdArray, Precision } from '../../tensor/index.ts';
import { compareBoth, toleranceOf, UnknownQuantity, worstOf } from '../compare.ts';
import { type GoldenCase, numbers, pick } from '../goldenCase.ts';
import type { Check, VerifyOptions } from '../kind.ts';
import type { Quantity } from '../manifest.ts';
import { configOfGoldenCase } from '../networkConfig.ts';
import { cameraInputs, input, int64, promptColumn } from './observation.ts';
import { fileOf, matching, parametersOf, type SubcaseOf, subcaseOf, tensorOf } from './subcase.ts';

const CORRELATION = 'correlation.safetensors';

/** Euler sampling with and without inpainting, and the noise and correction matrices that it needs. */
export function sampler(
  golden: GoldenCase,
  { float64 = false, precision: chosen = 'float32', device = 'cpu' }: VerifyOptions,
): Check {
  return async (quantity) => {
    const subcase = subcaseOf(golden, quantity);
    const tolerance = toleranceOf(quantity);
    if (!subcase || quantity.file.endsWith(CORRELATION)) {
      const expected = await golden.tensor(quantity.file, tensorOf(quantity));
      return compareBoth(await correlation(golden, quantity), undefined, expected, tolerance);
    }
    const { name } = subcase;
    const values = (precision: Precision, on: Device) =>
      golden.once(`${name} ${precision}`, () => sample(golden, subcase, quantity.file, precision, on));
    const own = await values(chosen, device);
    const exact = float64 ? await values('float64', 'cpu') : undefined;
    const parts = matching(await golden.tensors(quantity.file), quantity).map(([tensor, expected]) => {
      const got = own[tensor];
      if (!got) throw new UnknownQuantity('sampler', `${tensor} is not something that sampling gives.`);
      return [tensor, compareBoth(got, exact?.[tensor], expected, tolerance)] as const;
    });
    return parts.length === 1 ? parts[0]![1] : worstOf(parts);
  };
}

/**
 * The noise of the case's correlation, a raw Cholesky factor, whole or its packed lower triangle. White where the case
 * has none.
 */
function noiseOf(golden: GoldenCase, config: ModelConfig): Promise<CorrelatedNoise> {
  const { actionHorizon: horizon, actionDim: width, useCorrelatedNoise, correlationBeta } = config;
  return golden.once(`noise ${useCorrelatedNoise} ${correlationBeta}`, async () => {
    const file = golden.file(CORRELATION, '');
    if (!file || !useCorrelatedNoise) return new CorrelatedNoise(null, { horizon, width });
    const n = horizon * width;
    const tensors = await golden.tensors(file);
    const whole = tensors.get('cholesky_raw');
    const raw = numbers(whole ?? pick(tensors, 'cholesky_raw_packed', file));
    const packed = raw.length === (n * (n + 1)) / 2;
    if (!packed && raw.length !== n * n)
      throw new InputError(file, `the raw Cholesky factor has ${raw.length} numbers (expected ${n * n}, or packed).`);
    const cholesky = new Float64Array(n * n);
    for (let i = 0, at = 0; i < n; i++)
      for (let j = 0; j <= i; j++) cholesky[i * n + j] = packed ? raw[at++]! : raw[i * n + j]!;
    return flowNoise(config, statisticsWith(cholesky, horizon, width));
  });
}

/** Statistics that hold nothing but a correlation. */
function statisticsWith(cholesky: Float64Array, horizon: number, width: number): ChunkStatistics {
  const zeros = (n: number) => new Float64Array(n);
  const moments = (n: number) => ({ mean: zeros(n), std: zeros(n), q01: zeros(n), q99: zeros(n) });
  return {
    horizon,
    width,
    state: moments(width),
    actions: moments(width),
    perTimestep: moments(horizon * width),
    correlation: { cholesky, spatial: zeros(width * width), temporal: zeros(horizon * horizon) },
  };
}

/** Rows of the shrunk factor, its diagonal, the whole of it, and (some) rows of a correction matrix. */
async function correlation(golden: GoldenCase, quantity: Quantity): Promise<ArrayLike<number>> {
  const noise = await noiseOf(golden, configOfGoldenCase(golden.config, {}, golden.name));
  const tensors = await golden.tensors(quantity.file);
  const tensor = tensorOf(quantity);
  const n = noise.horizon * noise.width;
  if (/^cholesky_shrunk_diagonal$/.test(tensor)) return noise.diagonal;
  const rowsOf = (name: string) =>
    [`${name}_row_indices`, `${name}_row_numbers`].map((key) => tensors.get(key)).find((found) => found !== undefined);
  if (/^cholesky_shrunk(_rows|_packed)?$/.test(tensor)) {
    const name = tensor.replace(/_(rows|packed)$/, '');
    const listed = tensor.endsWith('_rows') ? (rowsOf(name) ?? rowsOf(tensor)) : undefined;
    if (tensor.endsWith('_rows') && !listed)
      throw new UnknownQuantity('sampler', `${quantity.file} does not say which rows ${tensor} has.`);
    const rows = listed ? numbers(listed) : Array.from({ length: n }, (_, row) => row);
    return Array.from(rows).flatMap((row) => {
      const whole = factorRow(noise, row);
      return [...(tensor.endsWith('_packed') ? whole.subarray(0, row + 1) : whole)];
    });
  }
  const shape = /(\d+)x(\d+)$/.exec(tensor);
  if (!shape) throw new UnknownQuantity('sampler', `${tensor} is no quantity of a correlation.`);
  const inpainter = new Inpainter(noise, { keepRows: Number(shape[1]), width: Number(shape[2]) });
  const columns = inpainter.kept.length;
  const listed = rowsOf(tensor);
  const rows = listed ? numbers(listed) : Array.from({ length: inpainter.free.length }, (_, i) => i);
  return Array.from(rows, (row) => [...inpainter.correction.subarray(row * columns, (row + 1) * columns)]).flat();
}

/** One row of the whole factor L [horizon·width], zeros right of the diagonal included. */
export function factorRow(noise: CorrelatedNoise, row: number): Float64Array {
  const out = new Float64Array(noise.horizon * noise.width);
  out[row] = noise.diagonal[row]!;
  const m = noise.active.length;
  const at = noise.active.indexOf(row);
  if (at >= 0) for (let j = 0; j <= at; j++) out[noise.active[j]!] = noise.factor[at * m + j]!;
  return out;
}

/** Everything that a sub-case may list, by the names of its tensors. */
async function sample(
  golden: GoldenCase,
  subcase: SubcaseOf,
  file: string,
  precision: Precision,
  device: Device,
): Promise<Readonly<Record<string, ArrayLike<number>>>> {
  const { options } = subcase;
  // Planning has no FAST tokens: the case's parameters may or may not hold their leaves.
  const config = configOfGoldenCase(golden.config, { ...options, use_fast_auxiliary: false }, golden.name);
  const parameters = await parametersOf(golden, fileOf(golden, subcase, 'params', 'params.safetensors'), config);
  const inputsFile = fileOf(golden, subcase, 'inputs', 'inputs.safetensors');
  const tensors = await golden.tensors(inputsFile);
  const source = { tensors, where: inputsFile };
  const maskName = options['image_mask'];
  const { images, mask } = cameraInputs(source, config.cameras, typeof maskName === 'string' ? maskName : undefined);
  const [task, stage] = [promptColumn(source, 0), promptColumn(source, 1)];
  const inputs: SamplerInputs = {
    images: images.data as Uint8Array,
    imageMask: mask.data as Uint8Array,
    state: input(source, 'state').data as Float32Array,
    task: int64(task).data as BigInt64Array,
    stage: int64(stage).data as BigInt64Array,
  };
  const given = await golden.tensors(file);
  const find = (name: string): NdArray | undefined => given.get(name) ?? tensors.get(name);
  const noise = await noiseOf(golden, config);
  const white = find('noise_standard');
  const start = white
    ? noise.colour(Float64Array.from(numbers(white)))
    : Float64Array.from(numbers(find('noise') ?? pick(given, 'noise_standard', file)));
  const kept = find('initial_actions');
  // The original decides for the whole batch whether a correction is skipped.
  const inpainter = kept && new Inpainter(noise, { keepRows: kept.shape[1]!, width: kept.shape[2]!, skip: 'batch' });
  const list = {
    x_steps: [] as Float32Array[],
    x_steps_before_correction: [] as Float32Array[],
    enforced: [] as number[],
    correction_applied: [] as number[],
    max_abs_delta_u: [] as number[],
  };
  const batch = task.length;
  const steps = Number(options['num_steps'] ?? golden.config['num_steps'] ?? 20);
  const process = await ActionSampler.create(config, parameters, { batch, steps, imageMask: true, precision, device });
  try {
    const { actions, stageLogits } = await process.sample(inputs, Float32Array.from(start), (x, time) => {
      list.x_steps_before_correction.push(x.slice());
      if (inpainter) {
        const result = inpainter.apply(x, numbers(kept), start, time, config.timeThresholdInpaint);
        list.enforced.push(Number(result.enforced));
        list.correction_applied.push(Number(result.enforced && result.corrected.every(Boolean)));
        list.max_abs_delta_u.push(Math.max(...result.largest));
      } else {
        list.enforced.push(0);
        list.correction_applied.push(0);
        list.max_abs_delta_u.push(0);
      }
      list.x_steps.push(x.slice());
    });
    const stages = stageLogits.length / batch;
    const flat = (arrays: readonly Float32Array[]) => arrays.flatMap((x) => [...x]);
    return {
      ...list,
      x_steps: flat(list.x_steps),
      x_steps_before_correction: flat(list.x_steps_before_correction),
      noise: start,
      times_before: process.times.before,
      times_after: process.times.after,
      initial_actions: kept ? numbers(kept) : [],
      final_actions: actions,
      stage_logits_raw: stageLogits,
      stage_logits: stageLogits.map((x, i) =>
        i % stages < config.taskNumStages.at(task[Math.floor(i / stages)]!)! ? x : -Infinity,
      ),
    };
  } finally {
    await process.close();
  }
}
