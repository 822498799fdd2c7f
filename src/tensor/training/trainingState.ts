import { type Communicator, present } from '../../base/index.ts';
import { type AdamwPart, adamwParts } from '../../kernels/index.ts';
import { type NdArray, type Parameters, sameShape, size, TensorError } from '../graph/index.ts';
import { loadWeight, type Weights } from '../weights/index.ts';

/** The arrays that a training step works on, one float32 number per parameter each. */
export const STATE_ARRAYS = ['parameters', 'gradients', 'm', 'v', 'ema'] as const;
export type StateArray = (typeof STATE_ARRAYS)[number];
/** Those that several ranks share among them. */
export type ShardedArray = 'm' | 'v' | 'ema';

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
  /** With several ranks: milliseconds of waiting for the slowest, then of exchanging gradients and parameters. */
  readonly waited?: number;
  readonly reduced?: number;
}

export interface TrainingStateOptions {
  /** Bytes of the largest WebAssembly memory that is taken; default just below 4 GiB. No result depends on it. */
  readonly memoryBytes?: number | undefined;
  /** The ranks that train together; one alone when left out. */
  readonly communicator?: Communicator | undefined;
}

/**
 * Parameters, gradients, AdamW moments and moving average in as many WebAssembly memories as hold them. The arrays in
 * `parameters`, `gradients`, … are views of them: feed them to a session and fetch gradients into them, no copies;
 * `clipAndStep` updates them in place.
 *
 * Several ranks hold all parameters and the gradients of their own samples each. Moments and average are shared among
 * them: each keeps and updates one contiguous piece of every memory (ZeRO stage 1, Rajbhandari et al. 2020). `load`,
 * `clipAndStep` and `whole` are called by all of them; `m`, `v` and `ema` are empty then.
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
  private readonly communicator: Communicator | undefined;
  /** Milliseconds that it took to average the gradients that are held now; undefined when they are a rank's own. */
  private averaging: number | undefined;
  /** Where each parameter lies. */
  private readonly places = new Map<string, { part: AdamwPart; from: number; shape: readonly number[] }>();

  /** Room for the parameters of these names and shapes, filled with zeros; `load` sets them. */
  constructor(
    specs: Iterable<{ readonly name: string; readonly shape: readonly number[] }>,
    { memoryBytes, communicator }: TrainingStateOptions = {},
  ) {
    const list = [...specs];
    this.communicator = communicator && communicator.size > 1 ? communicator : undefined;
    this.count = list.reduce((sum, { shape }) => sum + size(shape), 0);
    this.parts = adamwParts(
      list.map(({ shape }) => size(shape)),
      memoryBytes,
      this.communicator,
    );
    const leaves = this.parts.flatMap((part) => part.leaves.map(({ from }) => ({ part, from })));
    const whole: readonly StateArray[] = this.communicator ? ['parameters', 'gradients'] : STATE_ARRAYS;
    list.forEach(({ name, shape }, i) => {
      const leaf = present(leaves[i], `the memory of ${name}`);
      this.places.set(name, { ...leaf, shape: [...shape] });
      for (const kind of whole) this[kind].set(name, viewOf(leaf.part.arrays[kind], leaf.from, shape));
    });
  }

  /**
   * Copies values into the named arrays, one at a time where they lie in files; `ema` follows `parameters` unless it is
   * given.
   * @throws TensorError for a missing or misshapen array
   */
  async load(
    source: { readonly [kind in Exclude<StateArray, 'gradients'>]?: Weights } & { readonly step?: number },
  ): Promise<void> {
    const given: [Exclude<StateArray, 'gradients'>, Weights | undefined][] = [
      ['parameters', source.parameters],
      ['m', source.m],
      ['v', source.v],
      ['ema', source.ema ?? source.parameters],
    ];
    for (const [kind, values] of given) {
      if (!values) continue;
      for (const [name, { shape }] of this.places) {
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
        for (const [name, { part, from }] of this.places) {
          const target = part.arrays[kind];
          // Of what is shared only the own piece is here.
          const begins = kind === 'parameters' ? 0 : target.length * (this.communicator?.rank ?? 0);
          const { data } = await loadWeight(present(values.get(name), `${kind} '${name}'`));
          copyOverlap(data as Float32Array, target, from - begins);
        }
    if (source.step !== undefined) this.step = source.step;
  }

  /**
   * A moment or the average of all parameters. With several ranks rank 0 gets copies and the others nothing; all of
   * them call it.
   */
  whole(kind: ShardedArray): Parameters {
    const { communicator } = this;
    if (!communicator) return this[kind];
    const first = communicator.rank === 0;
    const copies = new Map<AdamwPart, Float32Array>();
    for (const part of this.parts) {
      const all = first ? new Float32Array(part.arrays.parameters.length) : null;
      communicator.gather(part.arrays[kind], all);
      if (all) copies.set(part, all);
    }
    const out: Parameters = new Map();
    if (first)
      for (const [name, { part, from, shape }] of this.places)
        out.set(name, viewOf(present(copies.get(part), name), from, shape));
    return out;
  }

  /** The parameters as feeds of `ProgramSession.run`. */
  feeds(): Record<string, NdArray> {
    return Object.fromEntries(this.parameters);
  }

  /** The gradient arrays as fetches of `ProgramSession.run`, named `gradient/<parameter>`. */
  fetches(prefix = 'gradient/'): Record<string, NdArray> {
    return Object.fromEntries([...this.gradients].map(([name, gradient]) => [`${prefix}${name}`, gradient]));
  }

  /**
   * The gradients become the mean of all ranks', on each of them; without it only the pieces that a rank updates are
   * summed. All of them call it.
   */
  averageGradients(): void {
    const { communicator } = this;
    if (!communicator) return;
    const clock = new Stopwatch();
    const { rank, size: ranks } = communicator;
    for (const { arrays } of this.parts) {
      const { gradients, summed } = arrays;
      communicator.allReduce(gradients);
      for (let i = 0; i < gradients.length; i++) gradients[i] = (gradients[i] as number) / ranks;
      summed.set(gradients.subarray(rank * summed.length, (rank + 1) * summed.length));
    }
    this.averaging = clock.lap();
  }

  /**
   * One AdamW update from the gradients held now (Loshchilov & Hutter 2019, in optax's form); with several ranks, from
   * the mean of theirs. Summed are the pieces that each updates, then the parameters are gathered: as many bytes as one
   * all-reduce moves.
   */
  clipAndStep(options: StepOptions): UpdateResult {
    const { learningRate, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weightDecay = 0, clipNorm, emaDecay } = options;
    const { communicator } = this;
    const clock = new Stopwatch();
    communicator?.barrier();
    const waited = clock.lap();
    const averaged = this.averaging !== undefined;
    if (!averaged) for (const { arrays } of this.parts) communicator?.reduceScatter(arrays.gradients, arrays.summed);
    const sums = new Float64Array(4);
    for (const part of this.parts) part.addSquares(sums);
    communicator?.allReduce(sums);
    let reduced = clock.lap() + (this.averaging ?? 0);
    this.averaging = undefined;
    const ranks = averaged ? 1 : (communicator?.size ?? 1);
    const [first, second, third, fourth] = sums as unknown as [number, number, number, number];
    const gradientNorm = Math.sqrt(first + third + (second + fourth)) / ranks;
    const times = () => (communicator ? { waited, reduced } : {});
    if (!(gradientNorm <= Math.min(options.skipAbove ?? Number.POSITIVE_INFINITY, Number.MAX_VALUE)))
      return { gradientNorm, applied: false, ...times() };
    const clip = clipNorm === undefined || gradientNorm <= clipNorm ? 1 : clipNorm / gradientNorm;
    this.step++;
    const constants = {
      beta1,
      beta2,
      rate: learningRate / (1 - beta1 ** this.step),
      root: Math.sqrt(1 / (1 - beta2 ** this.step)),
      keep: 1 - learningRate * weightDecay,
      epsilon,
      clip: clip / ranks,
      emaDecay,
    };
    for (const part of this.parts) part.update(constants);
    clock.lap();
    for (const { arrays } of this.parts) communicator?.allGather(arrays.parameters);
    reduced += clock.lap();
    return { gradientNorm, applied: true, ...times() };
  }
}

class Stopwatch {
  private since = performance.now();

  /** Milliseconds since the last lap. */
  lap(): number {
    const now = performance.now();
    const passed = now - this.since;
    this.since = now;
    return passed;
  }
}

function viewOf(array: Float32Array, from: number, shape: readonly number[]): NdArray {
  return { shape: [...shape], dtype: 'float32', data: array.subarray(from, from + size(shape)) };
}

/** Copies the part of `source` that falls into `target` when it begins at its place `at`, which may lie before it. */
function copyOverlap(source: Float32Array, target: Float32Array, at: number): void {
  const [from, to] = [Math.max(0, -at), Math.min(source.length, target.length - at)];
  if (from < to) target.set(source.subarray(from, to), at + from);
}
