import { type ChunkStatistics, CorrelatedNoise, Inpainter } from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import { configOfGoldenCase, type ModelConfig, Sampler, type SamplerInputs } from '../../model/index.ts';
import { compareArrays, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, pick } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';
import { cameraInputs, input, int64, promptColumn } from './observation.ts';

const CORRELATION = 'correlation.safetensors';

interface Subcase {
  readonly num_steps: number;
  readonly expected: string;
  readonly image_mask?: string;
}

/** Euler sampling with and without inpainting, and the noise and correction matrices that it needs. */
export function sampler(golden: GoldenCase): Check {
  const config = configOfGoldenCase(golden.config, golden.config);
  return async (quantity) => {
    const [name] = quantity.name.split(':') as [string];
    const tensor = quantity.tensor ?? quantity.name.slice(name.length + 1);
    const expected = await golden.tensor(quantity.file, tensor);
    const subcase = golden.manifest.subcases?.[name] as Subcase | undefined;
    if (!subcase) return compareArrays(await correlation(golden, config, quantity), expected, toleranceOf(quantity));
    const values = await golden.once(`${name} values`, () => sample(golden, config, subcase));
    const got = values[tensor];
    if (!got) throw new UnknownQuantity('sampler', `${tensor} is not something that sampling gives.`);
    return compareArrays(got, expected, toleranceOf(quantity));
  };
}

/** The noise of the case's correlation: a packed lower triangle of the raw Cholesky factor. White where the case has none. */
function noiseOf(golden: GoldenCase, config: ModelConfig): Promise<CorrelatedNoise> {
  return golden.once('noise', async () => {
    const { actionHorizon: horizon, actionDim: width } = config;
    const file = golden.file(CORRELATION, '');
    if (!file || golden.config['use_correlated_noise'] === false) return new CorrelatedNoise(null, { horizon, width });
    const packed = numbers(await golden.tensor(file, 'cholesky_raw_packed'));
    const n = horizon * width;
    if (packed.length !== (n * (n + 1)) / 2)
      throw new InputError(file, `cholesky_raw_packed has ${packed.length} numbers (expected ${(n * (n + 1)) / 2}).`);
    const cholesky = new Float64Array(n * n);
    for (let i = 0, at = 0; i < n; i++) for (let j = 0; j <= i; j++) cholesky[i * n + j] = packed[at++]!;
    return new CorrelatedNoise(statisticsWith(cholesky, horizon, width), {
      beta: golden.config['correlation_beta'] as number,
    });
  });
}

/** Statistics that hold nothing but a correlation. */
export function statisticsWith(cholesky: Float64Array, horizon: number, width: number): ChunkStatistics {
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

/** Rows of the shrunk factor, its diagonal, and some rows of a correction matrix. */
async function correlation(golden: GoldenCase, config: ModelConfig, quantity: Quantity): Promise<ArrayLike<number>> {
  const noise = await noiseOf(golden, config);
  const tensors = await golden.tensors(quantity.file);
  const tensor = quantity.tensor ?? quantity.name;
  if (tensor.endsWith('_diagonal')) return noise.diagonal;
  if (tensor.endsWith('_rows')) {
    const rows = numbers(pick(tensors, tensor.replace(/_rows$/, '_row_indices'), quantity.file));
    return Array.from(rows, (row) => factorRow(noise, row)).flatMap((row) => [...row]);
  }
  const shape = /(\d+)x(\d+)$/.exec(tensor);
  if (!shape) throw new UnknownQuantity('sampler', `${tensor} is no quantity of a correlation.`);
  const inpainter = new Inpainter(noise, { keepRows: Number(shape[1]), width: Number(shape[2]) });
  const columns = inpainter.kept.length;
  const all = Array.from({ length: inpainter.free.length }, (_, i) => i);
  const listed = tensors.get(`${tensor}_row_numbers`);
  const rows: ArrayLike<number> = listed ? numbers(listed) : all;
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

/** Everything that a sub-case lists, by the names of its tensors. */
async function sample(
  golden: GoldenCase,
  config: ModelConfig,
  { num_steps: steps, expected: file, image_mask: maskName }: Subcase,
): Promise<Readonly<Record<string, ArrayLike<number>>>> {
  const parameters = await golden.tensors(golden.file('params.safetensors'));
  const inputsFile = golden.file('inputs.safetensors');
  const source = { tensors: await golden.tensors(inputsFile), where: inputsFile };
  const cameras = golden.config['cameras'] as string[];
  const { images, mask } = cameraInputs(source, cameras, maskName);
  const [task, stage] = [promptColumn(source, 0), promptColumn(source, 1)];
  const inputs: SamplerInputs = {
    images: images.data as Uint8Array,
    imageMask: mask.data as Uint8Array,
    state: input(source, 'state').data as Float32Array,
    task: int64(task).data as BigInt64Array,
    stage: int64(stage).data as BigInt64Array,
  };
  const given = await golden.tensors(file);
  const noise = await noiseOf(golden, config);
  const white = numbers(pick(given, 'noise_standard', file));
  const start = noise.colour(Float64Array.from(white));
  const kept = given.get('initial_actions');
  // The original decides for the whole batch whether a correction is skipped.
  const inpainter = kept && new Inpainter(noise, { keepRows: kept.shape[1]!, width: kept.shape[2]!, skip: 'batch' });
  const threshold = golden.config['time_threshold_inpaint'] as number | undefined;
  const list = {
    x_steps: [] as Float32Array[],
    x_steps_before_correction: [] as Float32Array[],
    enforced: [] as number[],
    correction_applied: [] as number[],
    max_abs_delta_u: [] as number[],
  };
  const batch = task.length;
  const process = await Sampler.create(config, parameters, { batch, steps, imageMask: true });
  try {
    const { actions, stageLogits } = await process.sample(inputs, Float32Array.from(start), (x, time) => {
      list.x_steps_before_correction.push(x.slice());
      if (inpainter) {
        const result = inpainter.apply(x, numbers(kept), start, time, threshold);
        list.enforced.push(Number(result.enforced));
        list.correction_applied.push(Number(result.corrected.some(Boolean)));
        list.max_abs_delta_u.push(Math.max(...result.largest));
      }
      list.x_steps.push(x.slice());
    });
    const stages = stageLogits.length / batch;
    return {
      ...list,
      x_steps: list.x_steps.flatMap((x) => [...x]),
      x_steps_before_correction: list.x_steps_before_correction.flatMap((x) => [...x]),
      noise: start,
      times_before: process.times.before,
      times_after: process.times.after,
      final_actions: actions,
      stage_logits: stageLogits.map((x, i) =>
        i % stages < config.taskNumStages[task[Math.floor(i / stages)]!]! ? x : -Infinity,
      ),
    };
  } finally {
    await process.close();
  }
}
