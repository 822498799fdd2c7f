import { CorrelatedNoise, Inpainter } from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import { eulerTimes } from '../../model/index.ts';
import { compareArrays, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, pick } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';
import { factorRow } from './sampler.ts';
import { statisticsOfCase } from './statistics.ts';

interface Config {
  readonly betas?: readonly number[];
  readonly solve_jitter?: string | number;
  readonly inpaint_while_new_time_above?: number;
  readonly skip_if_max_abs_correction_above?: number;
}

/** Where neither a quantity nor the case says. */
const USUAL_STEPS = 20;

/**
 * Shrunk factor, correlated noise, correction matrices, and the sampling loop around a linear stand-in for the network.
 */
export function noise(golden: GoldenCase): Check {
  const config = golden.config as Config;
  const noiseOf = (beta: number): Promise<CorrelatedNoise> =>
    golden.once(`noise ${beta}`, async () => new CorrelatedNoise(await statisticsOfCase(golden), { beta }));
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    const expected = await golden.tensor(quantity.file, name);
    const sizes = /^correction_(?:b\d+_)?(\d+)x(\d+)(?:_b\d+)?(_active)?/.exec(name);
    if (sizes || name.startsWith('out_'))
      return best(
        await Promise.all(
          possibleBetas(golden, quantity).map(async (beta) => {
            const own = await noiseOf(beta);
            const got = sizes
              ? await correction(golden, quantity, own, sizes, jitterOf(config))
              : await loop(golden, config, quantity, own);
            return compareArrays(got, expected, toleranceOf(quantity));
          }),
        ),
      );
    const match = /^(L|noise)_(b\d+)(?:_(\w+))?$/.exec(name);
    if (!match) throw new UnknownQuantity('noise', `${name} is no quantity of the noise.`);
    const [, what, label, form] = match as unknown as [string, string, string, string | undefined];
    const own = await noiseOf(betaOf(label, config.betas ?? []));
    const got = async (): Promise<ArrayLike<number>> => {
      if (what === 'noise') {
        const z = pick(await golden.tensors(quantity.file), 'z', quantity.file);
        return form === 'exact' ? own.colour(Float64Array.from(numbers(z))) : own.colour(Float32Array.from(numbers(z)));
      }
      if (form === 'exact_diagonal') return own.diagonal;
      const active = numbers(pick(await golden.tensors(quantity.file), 'active', quantity.file));
      if (form === 'packed') return packedFactor(own, active);
      if (form === 'inactive_diagonal') {
        const isActive = new Set(Array.from(active));
        return own.diagonal.filter((_, i) => !isActive.has(i));
      }
      throw new UnknownQuantity('noise', `${name} is no form of the factor.`);
    };
    return compareArrays(await got(), expected, toleranceOf(quantity));
  };
}

/** `b05` is 0.5, `b10` and `b1` are 1, `b025` is 0.25: the case's own beta that is written so, else that number. */
function betaOf(label: string, betas: readonly number[]): number {
  const digits = label.slice(1);
  const value = Number(`${digits[0]}.${digits.slice(1)}0`);
  const written = (beta: number) => String(beta).replace('.', '');
  return betas.find((beta) => Math.abs(beta - value) < 1e-9) ?? betas.find((b) => written(b) === digits) ?? value;
}

/**
 * The beta that a correction matrix or sampling loop was made with: as its name, its meaning, or the case says. Where
 * nothing does, it is one of the case's betas, and the one that fits counts.
 */
function possibleBetas(golden: GoldenCase, { name, tensor, meaning = '' }: Quantity): readonly number[] {
  const config = golden.config as Config & Record<string, unknown>;
  const betas = config.betas ?? [];
  const label = /_(b\d+)(?=_|$)/.exec(tensor ?? name)?.[1];
  if (label) return [betaOf(label, betas)];
  const told = /beta\D{0,3}(\d+(?:\.\d+)?)/.exec(meaning)?.[1];
  if (told !== undefined) return [Number(told)];
  const named = Object.entries(config).find(([key, value]) => /(^|_)beta$/.test(key) && typeof value === 'number');
  if (named) return [named[1] as number];
  const inside = betas.filter((beta) => beta > 0 && beta < 1);
  return inside.length > 0 ? inside : betas.length > 0 ? betas : [0.5];
}

type Comparison = ReturnType<typeof compareArrays>;
function best(found: readonly Comparison[]): Comparison {
  return (
    found.find(({ error, tolerance }) => error <= tolerance) ?? found.reduce((a, b) => (b.error < a.error ? b : a))
  );
}

/** `1e-6 * max(mean diag of Sigma_OO, 1)`: its factor. */
function jitterOf({ solve_jitter }: Config): number | undefined {
  const value = Number.parseFloat(String(solve_jitter));
  return Number.isFinite(value) ? value : undefined;
}

/** Lower triangle, row by row, of the factor's rows and columns `active`. */
function packedFactor(noise: CorrelatedNoise, active: ArrayLike<number>): Float64Array {
  const n = active.length;
  const out = new Float64Array((n * (n + 1)) / 2);
  for (let i = 0, at = 0; i < n; i++) {
    const row = factorRow(noise, active[i]!);
    for (let j = 0; j <= i; j++) out[at++] = row[active[j]!]!;
  }
  return out;
}

async function correction(
  golden: GoldenCase,
  { file }: Quantity,
  noise: CorrelatedNoise,
  [, rows, columns, onlyActive]: RegExpExecArray,
  jitter: number | undefined,
): Promise<ArrayLike<number>> {
  const { correction, free, kept } = new Inpainter(noise, {
    keepRows: Number(rows),
    width: Number(columns),
    ...(jitter !== undefined && { jitter }),
  });
  if (!onlyActive) return correction;
  const active = new Set(Array.from(numbers(await golden.tensor(file, 'active'))));
  const out: number[] = [];
  free.forEach((i, u) => {
    kept.forEach((j, o) => {
      const value = correction[u * kept.length + o]!;
      if (active.has(i) && active.has(j)) out.push(value);
      else if (value !== 0) throw new InputError('noise', `the correction of ${i} by ${j} is ${value} (expected 0).`);
    });
  });
  return out;
}

/** Euler steps of v = x·W + b + 0.3·t from correlated noise, with a kept prefix where the case has one. */
async function loop(
  golden: GoldenCase,
  config: Config,
  { file, tensor, name, meaning }: Quantity,
  noise: CorrelatedNoise,
): Promise<Float32Array> {
  const tensors = await golden.tensors(file);
  const own = (tensor ?? name).slice('out_'.length);
  const at = (key: string) => numbers(pick(tensors, key, file));
  const [weights, bias] = [at('W'), at('b')];
  const { width } = noise;
  const batch = pick(tensors, `out_${own}`, file).shape[0]!;
  const prefix = tensors.get(`prefix_${own}`);
  const jitter = jitterOf(config);
  const inpainter =
    prefix &&
    new Inpainter(noise, {
      keepRows: prefix.shape[1]!,
      width: prefix.shape[2]!,
      skip: 'batch',
      ...(jitter !== undefined && { jitter }),
      ...(config.skip_if_max_abs_correction_above !== undefined && {
        skipAbove: config.skip_if_max_abs_correction_above,
      }),
    });
  const start = noise.colour(Float32Array.from(at('z')).slice(0, batch * noise.horizon * width));
  const x = start.slice();
  const steps = stepsOf(golden, own, meaning, prefix?.shape[2]);
  const { before, after } = eulerTimes(steps);
  const step = Math.fround(-1 / steps);
  for (let s = 0; s < before.length; s++) {
    const velocity = new Float32Array(x.length);
    for (let row = 0; row < x.length; row += width)
      for (let j = 0; j < width; j++) {
        let sum = bias[j]! + 0.3 * before[s]!;
        for (let i = 0; i < width; i++) sum += x[row + i]! * weights[i * width + j]!;
        velocity[row + j] = sum;
      }
    for (let i = 0; i < x.length; i++) x[i] = x[i]! + Math.fround(step * velocity[i]!);
    if (inpainter) inpainter.apply(x, numbers(prefix), start, after[s]!, config.inpaint_while_new_time_above);
  }
  return x;
}

/**
 * `20 steps, …` in the meaning, else the number that the name ends in (unless it counts the prefix's columns), else
 * what the case or most of its loops say.
 */
function stepsOf(golden: GoldenCase, name: string, meaning = '', columns?: number): number {
  const told = /(?:^|[^\d])(\d+) (?:Euler )?steps/.exec(meaning)?.[1] ?? /\D(\d+)$/.exec(name)?.[1];
  if (told !== undefined && Number(told) !== columns) return Number(told);
  const ofCase = golden.config['num_steps'] ?? golden.config['steps'];
  if (typeof ofCase === 'number') return ofCase;
  const others = golden.manifest.quantities
    .flatMap(({ meaning: text = '' }) => /(?:^|[^\d])(\d+) (?:Euler )?steps/.exec(text)?.[1] ?? [])
    .map(Number);
  const times = (steps: number) => others.filter((x) => x === steps).length;
  return others.reduce((a, b) => (times(b) > times(a) ? b : a), others[0] ?? USUAL_STEPS);
}
