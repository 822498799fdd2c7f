import { present } from '../../base/index.ts';
import { type AdamwPart, adamwParts } from '../../kernels/index.ts';
import { type NdArray, type Parameters, sameShape, size, TensorError } from '../graph/index.ts';

/** The arrays that a training step works on, one float32 number per parameter each. */
export const STATE_ARRAYS = ['parameters', 'gradients', 'm', 'v', 'ema'] as const;
export type StateArray = (typeof STATE_ARRAYS)[number];

export interface StepOptions {
  readonly learningRate: number;
  /** Defaults 0.9, 0.95, 1e-8 are those of the original training configuration. */
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Decoupled: the update holds `learningRate · weightDecay · p`. */
  readonly weightDecay?: number;
  /** Gradients are scaled by `min(1, clipNorm / norm)` with the norm over all parameters. No clipping when left out. */
  readonly clipNorm?: number;
  /** A norm above this changes nothing, as one that is not finite. */
  readonly skipAbove?: number | undefined;
  /** `ema = d·ema + (1-d)·p` after the update; without it the average is left alone. */
  readonly emaDecay?: number;
}

export interface UpdateResult {
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
  /** False when the norm was not finite, or above `skipAbove`: nothing was changed then. */
  readonly applied: boolean;
}

export interface TrainingStateOptions {
  /** Bytes of the largest WebAssembly memory that is taken; default just below 4 GiB. No result depends on it. */
  readonly memoryBytes?: number;
}

/**
 * Parameters, gradients, AdamW moments and moving average in as many WebAssembly memories as hold them. The arrays in
 * `parameters`, `gradients`, … are views of them: feed them to a session and fetch gradients into them, no copies;
 * `clipAndStep` updates them in place.
 */
export class TrainingState {
  readonly parameters: Parameters = new Map();
  readonly gradients: Parameters = new Map();
  /** First and second moment of the gradients. */
  readonly m: Parameters = new Map();
  readonly v: Parameters = new Map();
  /** Exponential moving average of the parameters; equal to them until the first step with `emaDecay`. */
  readonly ema: Parameters = new Map();
  /** Updates made so far. */
  step = 0;
  /** Number of parameters. */
  readonly count: number;
  private readonly parts: readonly AdamwPart[];

  /** Room for the parameters of these names and shapes, filled with zeros; `load` sets them. */
  constructor(
    specs: Iterable<{ readonly name: string; readonly shape: readonly number[] }>,
    { memoryBytes }: TrainingStateOptions = {},
  ) {
    const list = [...specs];
    this.count = list.reduce((sum, { shape }) => sum + size(shape), 0);
    this.parts = adamwParts(
      list.map(({ shape }) => size(shape)),
      memoryBytes,
    );
    const leaves = this.parts.flatMap((part) => part.leaves);
    list.forEach(({ name, shape }, i) => {
      const leaf = present(leaves[i], `the memory of ${name}`);
      for (const kind of STATE_ARRAYS) this[kind].set(name, { shape: [...shape], dtype: 'float32', data: leaf[kind] });
    });
  }

  /**
   * Copies values into the named arrays; `ema` follows `parameters` unless it is given.
   * @throws TensorError for a missing or misshapen array
   */
  load(
    source: { readonly [kind in Exclude<StateArray, 'gradients'>]?: Parameters } & { readonly step?: number },
  ): void {
    const given: [StateArray, Parameters | undefined][] = [
      ['parameters', source.parameters],
      ['m', source.m],
      ['v', source.v],
      ['ema', source.ema ?? source.parameters],
    ];
    for (const [kind, values] of given) {
      if (!values) continue;
      for (const [name, { shape }] of this[kind]) {
        const array = values.get(name);
        if (!array || !sameShape(array.shape, shape))
          throw new TensorError(
            'TrainingState.load',
            `${kind} '${name}' ` +
              (array ? `has the wrong shape (got [${array.shape}], expected [${shape}]).` : 'is missing.'),
          );
      }
    }
    for (const [kind, values] of given)
      if (values)
        for (const [name, target] of this[kind])
          (target.data as Float32Array).set(present(values.get(name), `${kind} '${name}'`).data as Float32Array);
    if (source.step !== undefined) this.step = source.step;
  }

  /** The parameters as feeds of `ProgramSession.run`. */
  feeds(): Record<string, NdArray> {
    return Object.fromEntries(this.parameters);
  }

  /** The gradient arrays as fetches of `ProgramSession.run`, named `gradient/<parameter>`. */
  fetches(prefix = 'gradient/'): Record<string, NdArray> {
    return Object.fromEntries([...this.gradients].map(([name, gradient]) => [`${prefix}${name}`, gradient]));
  }

  /** One AdamW update from the gradients held now (Loshchilov & Hutter 2019, in optax's form). */
  clipAndStep(options: StepOptions): UpdateResult {
    const { learningRate, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weightDecay = 0, clipNorm, emaDecay } = options;
    const sums = new Float64Array(4);
    for (const part of this.parts) part.addSquares(sums);
    const [first, second, third, fourth] = sums as unknown as [number, number, number, number];
    const gradientNorm = Math.sqrt(first + third + (second + fourth));
    if (!(gradientNorm <= Math.min(options.skipAbove ?? Number.POSITIVE_INFINITY, Number.MAX_VALUE)))
      return { gradientNorm, applied: false };
    const clip = clipNorm === undefined || gradientNorm <= clipNorm ? 1 : clipNorm / gradientNorm;
    this.step++;
    const constants = {
      beta1,
      beta2,
      rate: learningRate / (1 - beta1 ** this.step),
      root: Math.sqrt(1 / (1 - beta2 ** this.step)),
      keep: 1 - learningRate * weightDecay,
      epsilon,
      clip,
      emaDecay,
    };
    for (const part of this.parts) part.update(constants);
    return { gradientNorm, applied: true };
  }
}
