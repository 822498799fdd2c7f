import * as ort from 'onnxruntime-node';
import { nearest, present } from '../../base/index.ts';
import {
  arrayType,
  type DataType,
  describe,
  type NdArray,
  type Program,
  sameShape,
  size,
  TensorError,
  type TypedArray,
  type ValueSpec,
} from '../graph/index.ts';
import {
  encodeModel,
  externalFolder,
  type IntegerAttention,
  lowerProgram,
  type Operators,
  type Precision,
} from '../onnx/index.ts';
import type { QuantisedMatrices, Weights } from '../weights/index.ts';
import { checkPrecision, type Device, executionProviders, onDevice } from './providers.ts';

export interface ProgramSessionOptions {
  /**
   * float64 is for gradient checks: inputs and outputs that are float32 in the program are then float64. float16 is for
   * inference on a GPU: weights and products in float16, sums and statistics, inputs and outputs in float32 (the CPU
   * runs it slowly, by rounding float32).
   */
  readonly precision?: Precision;
  /** What computes: 'cpu' when left out. Operations that a GPU's provider does not have run on the CPU. */
  readonly device?: Device;
  /** What the graph is written in; 'fused' on the CPU, 'standard' elsewhere when left out. */
  readonly operators?: Operators;
  /** Weights to bake in (prepacked); parameters that are not in the map are fed. */
  readonly weights?: Weights;
  /** Products with these matrices run in 8-bit integers; `activationBits` as for `toOnnx`. */
  readonly quantised?: QuantisedMatrices;
  readonly activationBits?: 7 | 8;
  /** With `quantised`: whether large products of attention run in integers too, as for `toOnnx`. */
  readonly integerAttention?: IntegerAttention;
  /** Threads inside one operation; 1 when left out. */
  readonly threads?: number;
  /** Keep and plan memory between runs: faster for training, more memory. True when left out. */
  readonly memoryArena?: boolean;
  /**
   * Let idle threads spin while they wait (a little faster alone, several times slower when other work wants the
   * cores). False when left out.
   */
  readonly spin?: boolean;
  /**
   * Treat denormal numbers as zero (they make products about 100 times slower). Counts only for the first session of a
   * process, and holds for JavaScript's arithmetic on that thread too: for workers that own their sessions.
   */
  readonly denormalsAsZero?: boolean;
  /** Write a profile (JSON trace) with this file prefix at close. */
  readonly profile?: string;
}

export type Feed = NdArray | TypedArray;

/** A program on ONNX Runtime. `run` blocks its thread while it computes: own it in a worker. */
export class ProgramSession {
  private constructor(
    private readonly runtime: ort.InferenceSession,
    private readonly feeds: ReadonlyMap<string, ValueSpec>,
    private readonly results: ReadonlyMap<string, ValueSpec>,
    private readonly profiled: boolean,
    private readonly device: Device,
  ) {}

  static async create(
    program: Program,
    {
      precision = 'float32',
      device = 'cpu',
      operators = device === 'cpu' ? 'fused' : 'standard',
      weights,
      quantised,
      activationBits,
      integerAttention,
      threads = 1,
      memoryArena = true,
      spin = false,
      denormalsAsZero = false,
      profile,
    }: ProgramSessionOptions = {},
  ): Promise<ProgramSession> {
    const real = <T extends ValueSpec>(spec: T): T => ({
      ...spec,
      dtype: spec.dtype === 'float32' && precision === 'float64' ? precision : spec.dtype,
    });
    checkPrecision(device, precision);
    const graph = lowerProgram(program, {
      precision,
      operators,
      emulateFloat16: device === 'cpu',
      ...(weights ? { weights } : {}),
      ...(quantised ? { quantised } : {}),
      ...(activationBits ? { activationBits } : {}),
      ...(integerAttention ? { integerAttention } : {}),
    });
    const folder = externalFolder(graph);
    const runtime = await onDevice(device, () =>
      ort.InferenceSession.create(encodeModel(graph), {
        executionProviders: executionProviders(device),
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        // The higher levels put fused operators into float64 graphs that exist in float32 only, and fuse away emulated
        // rounding.
        graphOptimizationLevel:
          precision === 'float64' || (precision === 'float16' && device === 'cpu') ? 'basic' : 'all',
        enableCpuMemArena: memoryArena,
        enableMemPattern: memoryArena,
        logSeverityLevel: 3,
        extra: {
          session: {
            intra_op: { allow_spinning: spin ? '1' : '0' },
            set_denormal_as_zero: denormalsAsZero ? '1' : '0',
            ...(folder ? { model_external_initializers_file_folder_path: folder } : {}),
          },
          // Programs say where a transposition belongs into a product and where it is faster before it (primitives.ts,
          // matmul).
          optimization: { disable_specified_optimizers: 'MatmulTransposeFusion;GemmTransposeFusion' },
        },
        ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
      }),
    );
    const needed = new Set(graph.inputs.map(({ name }) => name));
    const fed = [...program.inputs, ...program.parameters].filter(({ name }) => needed.has(name));
    const byName = (specs: readonly ValueSpec[]) => new Map(specs.map((spec) => [spec.name, real(spec)]));
    return new ProgramSession(runtime, byName(fed), byName(program.outputs), profile !== undefined, device);
  }

  /** Names, shapes and types of what `run` must be fed (precision applied). */
  get inputs(): ValueSpec[] {
    return [...this.feeds.values()];
  }

  get outputs(): ValueSpec[] {
    return [...this.results.values()];
  }

  /**
   * Runs the program. `feeds` holds every input by name (a bare typed array takes the input's shape).
   * `fetches` names the wanted outputs (all when left out), or maps them to arrays that the results are written into.
   * @throws TensorError for a missing, unknown or misshapen feed and for an unknown fetch
   */
  async run(
    feeds: Readonly<Record<string, Feed>>,
    fetches?: readonly string[] | Readonly<Record<string, Feed>>,
  ): Promise<Record<string, NdArray>> {
    const inputs: Record<string, ort.Tensor> = {};
    for (const name of Object.keys(feeds))
      if (!this.feeds.has(name)) throw unknownName('feed', name, this.feeds.keys());
    for (const [name, spec] of this.feeds) {
      const feed = feeds[name];
      if (feed === undefined)
        throw new TensorError('ProgramSession.run', `the feed '${name}' is missing (expected ${describe(spec)}).`);
      inputs[name] = toTensor('feed', spec, feed);
    }
    const into = fetches && !Array.isArray(fetches) ? (fetches as Readonly<Record<string, Feed>>) : undefined;
    const names = into ? Object.keys(into) : ((fetches as readonly string[] | undefined) ?? [...this.results.keys()]);
    const wanted: Record<string, ort.Tensor | null> = {};
    const specs = names.map((name) => {
      const spec = this.results.get(name);
      if (!spec) throw unknownName('fetch', name, this.results.keys());
      const target = into?.[name];
      wanted[name] = target ? toTensor('fetch', spec, target) : null;
      return { ...spec, name };
    });
    const results = await onDevice(this.device, () =>
      this.runtime.run(inputs, wanted as ort.InferenceSession.OnnxValueMapType),
    );
    return Object.fromEntries(
      specs.map(({ name, shape, dtype }) => {
        // The runtime fills a given array but returns a copy of it.
        const { data } = present(into ? wanted[name] : results[name], `the result '${name}'`);
        return [name, { shape, dtype, data: data as TypedArray }];
      }),
    );
  }

  /** Frees the runtime's memory. */
  async close(): Promise<void> {
    if (this.profiled) this.runtime.endProfiling();
    await this.runtime.release();
  }
}

function unknownName(kind: string, name: string, known: Iterable<string>): TensorError {
  const names = [...known];
  const near = nearest(name, names);
  const hint = near
    ? `Did you mean '${near}'?`
    : `Known: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}.`;
  return new TensorError('ProgramSession.run', `there is no ${kind} '${name}'. ${hint}`);
}

const storage: Record<DataType, DataType> = {
  float32: 'float32',
  float64: 'float64',
  int64: 'int64',
  int32: 'int32',
  int8: 'int8',
  uint8: 'uint8',
  bool: 'uint8',
};

function toTensor(kind: string, spec: ValueSpec, feed: Feed): ort.Tensor {
  const bare = ArrayBuffer.isView(feed);
  const data = bare ? feed : feed.data;
  const given = bare ? undefined : feed;
  if (given && !sameShape(given.shape, spec.shape))
    throw new TensorError(
      'ProgramSession.run',
      `the ${kind} '${spec.name}' has the wrong shape (got ${describe(given)}, expected ${describe(spec)}).`,
    );
  if (arrayType(data) !== storage[spec.dtype] || (given && storage[given.dtype] !== storage[spec.dtype]))
    throw new TensorError(
      'Session.run',
      `the ${kind} '${spec.name}' has the wrong type ` +
        `(got ${given?.dtype ?? arrayType(data)}, expected ${describe(spec)}).`,
    );
  if (data.length !== size(spec.shape))
    throw new TensorError(
      'ProgramSession.run',
      `the ${kind} '${spec.name}' has ${data.length} elements (expected ${size(spec.shape)}: ${describe(spec)}).`,
    );
  return new ort.Tensor(spec.dtype as 'float32', data as Float32Array, spec.shape);
}
