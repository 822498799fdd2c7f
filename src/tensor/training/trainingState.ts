import { present } from '../../base/index.ts';
import { type NdArray, type Parameters, sameShape, size, TensorError } from '../graph/index.ts';
import { ADAMW_BASE64 } from './adamw/bytes.ts';

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
  /** `ema = d·ema + (1-d)·p` after the update; without it the average is left alone. */
  readonly emaDecay?: number;
}

export interface StepResult {
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
  /** False when the norm was not finite: nothing was changed then. */
  readonly applied: boolean;
}

interface Kernels {
  sumSquares(x: number, n: number): number;
  adamw(p: number, g: number, m: number, v: number, n: number, ...constants: number[]): void;
  movingAverage(average: number, p: number, n: number, decay: number, rest: number): void;
}

/** Every parameter starts at a multiple of this many elements (a cache line); the gaps stay zero. */
const ALIGNMENT = 16;
const PAGE_BYTES = 65536;
const LIMIT_BYTES = 2 ** 32;

/**
 * Parameters, gradients, AdamW moments and moving average in one WebAssembly.Memory. The arrays in `parameters`,
 * `gradients`, … are views of it: feed them to a session and fetch gradients into them, no copies; `clipAndStep`
 * updates them in place.
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
  private readonly memory: WebAssembly.Memory;
  private readonly kernels: Kernels;
  /** Elements of one array, gaps included. */
  private readonly padded: number;

  /**
   * Room for the parameters of these names and shapes, filled with zeros; `load` sets them.
   * @throws TensorError when five float32 numbers per parameter exceed WebAssembly's 4 GB
   */
  constructor(specs: Iterable<{ readonly name: string; readonly shape: readonly number[] }>) {
    const list = [...specs];
    this.count = list.reduce((sum, { shape }) => sum + size(shape), 0);
    this.padded = list.reduce((sum, { shape }) => sum + Math.ceil(size(shape) / ALIGNMENT) * ALIGNMENT, 0);
    const bytes = this.padded * 4 * STATE_ARRAYS.length;
    if (bytes >= LIMIT_BYTES)
      throw new TensorError(
        'TrainingState',
        `${this.count} parameters need ${(bytes / 1e9).toFixed(1)} GB (WebAssembly allows ` +
          `${(LIMIT_BYTES / 1e9).toFixed(1)} GB, about 200 million parameters). Train fewer of them.`,
      );
    const pages = Math.max(1, Math.ceil(bytes / PAGE_BYTES));
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(Buffer.from(ADAMW_BASE64, 'base64'));
    this.kernels = new WebAssembly.Instance(module, { env: { memory: this.memory } }).exports as unknown as Kernels;
    for (const kind of STATE_ARRAYS) {
      let at = this.pointer(kind);
      for (const { name, shape } of list) {
        this[kind].set(name, {
          shape: [...shape],
          dtype: 'float32',
          data: new Float32Array(this.memory.buffer, at, size(shape)),
        });
        at += Math.ceil(size(shape) / ALIGNMENT) * ALIGNMENT * 4;
      }
    }
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

  /** The parameters as feeds of `Session.run`. */
  feeds(): Record<string, NdArray> {
    return Object.fromEntries(this.parameters);
  }

  /** The gradient arrays as fetches of `Session.run`, named `gradient/<parameter>`. */
  fetches(prefix = 'gradient/'): Record<string, NdArray> {
    return Object.fromEntries([...this.gradients].map(([name, gradient]) => [`${prefix}${name}`, gradient]));
  }

  /** One AdamW update from the gradients held now (Loshchilov & Hutter 2019, in optax's form). */
  clipAndStep(options: StepOptions): StepResult {
    const { learningRate, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weightDecay = 0, clipNorm, emaDecay } = options;
    const gradientNorm = Math.sqrt(this.kernels.sumSquares(this.pointer('gradients'), this.padded));
    if (!Number.isFinite(gradientNorm)) return { gradientNorm, applied: false };
    const clip = clipNorm === undefined || gradientNorm <= clipNorm ? 1 : clipNorm / gradientNorm;
    this.step++;
    this.kernels.adamw(
      this.pointer('parameters'),
      this.pointer('gradients'),
      this.pointer('m'),
      this.pointer('v'),
      this.padded,
      beta1,
      1 - beta1,
      beta2,
      1 - beta2,
      learningRate / (1 - beta1 ** this.step),
      Math.sqrt(1 / (1 - beta2 ** this.step)),
      1 - learningRate * weightDecay,
      epsilon,
      clip,
    );
    if (emaDecay !== undefined)
      this.kernels.movingAverage(this.pointer('ema'), this.pointer('parameters'), this.padded, emaDecay, 1 - emaDecay);
    return { gradientNorm, applied: true };
  }

  /** Byte offset of an array. */
  private pointer(kind: StateArray): number {
    return STATE_ARRAYS.indexOf(kind) * this.padded * 4;
  }
}
