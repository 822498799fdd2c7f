import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError, Random, ValetError } from '../src/base/index.ts';
import {
  ActionSampler,
  buildLossProgram,
  configs,
  countParameters,
  initParameters,
  type ModelConfig,
  modelConfig,
  type SamplerInputs,
  splitLayers,
} from '../src/model/index.ts';
import {
  gemmPeak,
  type NdArray,
  type Parameters,
  type Program,
  ProgramSession,
  TrainingState,
  writeSafetensors,
} from '../src/tensor/index.ts';
import { randomBatch } from '../src/train/index.ts';
import { array, enliven, peerArrays } from './networkCase.ts';
import { Peer } from './peer.ts';
import { type Benchmark, type BenchRow, row } from './row.ts';
import { type TransformerShape, transformerParameters, transformerProgram } from './transformer.ts';

/**
 * The original's architecture at about 100 million parameters: patch stem, one token per state number, a vocabulary of
 * the bins alone.
 */
const HUNDRED_MILLION = modelConfig({
  imageSize: 112,
  visionWidth: 384,
  visionLayers: 8,
  visionMlpDim: 1536,
  visionHeads: 6,
  vlmWidth: 768,
  vlmMlpDim: 3072,
  expertWidth: 384,
  expertMlpDim: 1536,
  layers: 7,
  numHeads: 8,
  headDim: 64,
  vocabSize: 256,
  useFastAuxiliary: false,
});
const TRANSFORMER = { layers: 6, heads: 8, tokens: 200, batch: 8, inputs: 32 };
const STEPS = 20;
/**
 * The peer's loss must be ours to this relative difference, else it is another network; gradients and samples to a
 * little more.
 */
const SAME = 1e-4;
/** Turns that each side gets of each kind of work; fewer, but two, when they take longer than this (a busy machine). */
const TURNS = 5;
const SECONDS = 40;

/** What `--config` chooses from. */
const CASES = ['nano', '100m', 'width-256', 'width-512'] as const;
const KINDS = ['forward', 'gradients', 'step', 'sample'] as const;
type Kind = (typeof KINDS)[number];

interface Check {
  readonly loss: number;
  readonly gradientNorm: number;
  readonly actions: readonly number[];
}

/** One network with its batch: the runs that are measured. */
interface Case {
  readonly name: string;
  readonly flops: { readonly forward: number; readonly gradients: number };
  readonly run: Partial<Record<Kind, () => Promise<void>>>;
  /** What the peer is given. */
  readonly arrays: Parameters;
  readonly config: object;
  check(): Promise<Check>;
  close(): Promise<void>;
}

/** Forward, backward, training step and sampler, in turns with PyTorch on the same weights and the same batch. */
export const network: Benchmark = {
  summary:
    'forward, backward, training step and sampler of nano, a 100 M network and plain transformers ' +
    '(--config for one of them); peer: PyTorch',
  async run({ threads, note, settings: { config, peer: peers } }): Promise<BenchRow[]> {
    if (config && !CASES.some((name) => name === config))
      throw new InputError('bench network', `there is no network '${config}'. Known: ${CASES.join(', ')}.`);
    const peer = peers === 'none' ? undefined : await Peer.start('speed.py', { set: 'network', note });
    const rows: BenchRow[] = [];
    const objects = { size: 12, weight: 1 };
    const nano = modelConfig({ ...configs.nano, auxiliary: { ...configs.nano.auxiliary, objects } });
    const cases: Record<(typeof CASES)[number], () => Promise<Case>> = {
      nano: () => networkCase('nano', nano, 64, threads),
      '100m': () => networkCase('100 M', HUNDRED_MILLION, 2, threads),
      'width-256': () => transformerCase({ ...TRANSFORMER, width: 256 }, threads),
      'width-512': () => transformerCase({ ...TRANSFORMER, width: 512 }, threads),
    };
    try {
      for (const name of CASES) {
        if (config && name !== config) continue;
        const work = await cases[name]();
        try {
          note(`${work.name} …`);
          rows.push(...(await measure(work, peer, threads, note)));
        } finally {
          await work.close();
        }
      }
    } finally {
      peer?.close();
    }
    return rows;
  },
};

async function measure(
  work: Case,
  peer: Peer | undefined,
  threads: number,
  note: (line: string) => void,
): Promise<BenchRow[]> {
  const check = await work.check();
  const other = peer && (await openPeer(work, peer, threads));
  if (other) requireSame(work.name, check, other.check);
  const runs = KINDS.flatMap((kind) => {
    const run = work.run[kind];
    return run ? [{ kind, run }] : [];
  });
  const [valet, float32, bfloat16] = [noTimes(), noTimes(), noTimes()];
  const peaks: number[] = [];
  const end = performance.now() + 1000 * SECONDS;
  for (let turn = 0; turn < TURNS && (turn < 2 || performance.now() < end); turn++)
    for (const { kind, run } of runs) {
      await run(); // the caches belong to the other side
      const count = repeats(await timed(run));
      for (let i = 0; i < count; i++) valet[kind].push(await timed(run));
      if (other) {
        float32[kind].push(...(await other.times(kind, false, count + 1)).slice(1));
        bfloat16[kind].push(...(await other.times(kind, true, count + 1)).slice(1));
      }
      const so = (name: string, times: Times) => `${name} ${least(times[kind]).toFixed(0)} ms`;
      const others = other ? [so('float32', float32), so('bfloat16', bfloat16)].join(', ') : 'no peer';
      note(`  turn ${turn + 1}, ${kind}: ${so('Valet', valet)} (${others})`);
      if (kind === 'gradients') peaks.push(await gemmPeak(threads, { runs: 4 }));
    }
  const peak = Math.max(...peaks);
  const rows: BenchRow[] = [];
  const add = (what: string, value: (times: Times) => number) => {
    const ours = value(valet);
    const title = `${work.name}: ${what}, ${threads} threads`;
    if (!other) return void rows.push(row(title, ours, 'ms'));
    for (const [name, times] of [
      ['float32', float32],
      ['bfloat16 autocast', bfloat16],
    ] as const)
      rows.push(row(title, ours, 'ms', { name: `${other.version}, ${name}`, value: value(times) }));
  };
  const of = (kind: Kind) => (times: Times) => least(times[kind]);
  add('forward', of('forward'));
  add('backward', (times) => least(times.gradients) - least(times.forward));
  add('training step', of('step'));
  if (work.run.sample) add(`sampler, ${STEPS} steps`, of('sample'));
  const share = (what: string, flops: number, kind: Kind) =>
    rows.push(row(`${work.name}: share of GEMM peak, ${what}`, flops / least(valet[kind]) / 1e6 / peak, '1'));
  rows.push(row(`${work.name}: GEMM peak`, peak, 'GFLOP/s'));
  share('forward', work.flops.forward, 'forward');
  share('training step', work.flops.gradients, 'step');
  if (other) {
    const difference = Math.abs(other.check.loss / check.loss - 1);
    rows.push(row(`${work.name}: relative difference of the peer's loss (at most ${SAME})`, difference, '1'));
  }
  return rows;
}

/** Milliseconds of each kind's runs. */
type Times = Readonly<Record<Kind, number[]>>;

const noTimes = (): Times => ({ forward: [], gradients: [], step: [], sample: [] });

/**
 * What the work takes where nothing disturbs it: a busy machine only adds, and to the side whose threads spin far more
 * than to the other.
 */
function least(milliseconds: readonly number[]): number {
  return Math.min(...milliseconds);
}

async function timed(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** About a second per turn. */
function repeats(milliseconds: number): number {
  return Math.max(1, Math.min(8, Math.round(1000 / milliseconds)));
}

interface OpenPeer {
  readonly version: string;
  readonly check: Check;
  /** Milliseconds of `count` runs, in bfloat16 or float32. */
  times(kind: Kind, bfloat16: boolean, count: number): Promise<number[]>;
}

async function openPeer(work: Case, peer: Peer, threads: number): Promise<OpenPeer> {
  const folder = await mkdtemp(join(tmpdir(), 'valet-bench-'));
  try {
    await writeSafetensors(join(folder, 'arrays.safetensors'), work.arrays);
    await writeFile(join(folder, 'request.json'), JSON.stringify({ config: work.config, steps: STEPS }));
    const { version } = await peer.ask<{ version: string }>({ open: folder, threads });
    const times = async (kind: Kind, bfloat16: boolean, count: number) =>
      (await peer.ask<{ milliseconds: number[] }>({ time: kind, count, bfloat16 })).milliseconds;
    return { version, check: await peer.ask<Check>({ check: true }), times };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function requireSame(name: string, ours: Check, theirs: Check): void {
  const largest = Math.max(...ours.actions.map(Math.abs), 1e-9);
  const actions = Math.max(0, ...ours.actions.map((x, i) => Math.abs(x - (theirs.actions[i] ?? Number.NaN)))) / largest;
  const differences = {
    loss: Math.abs(theirs.loss / ours.loss - 1) / SAME,
    'norm of the gradient': Math.abs(theirs.gradientNorm / ours.gradientNorm - 1) / (10 * SAME),
    'sampled actions': actions / (10 * SAME),
  };
  for (const [what, difference] of Object.entries(differences))
    if (!(difference < 1))
      throw new ValetError(
        'bench network',
        `${name}: the peer computes something else ` +
          `(${what}: ${difference.toPrecision(3)} times the difference allowed).`,
      );
}

/** The runs of a loss program and its gradients, as training does them. */
async function training(
  programs: { readonly forward: Program; readonly gradients: Program },
  weights: Parameters,
  inputs: Readonly<Record<string, NdArray['data']>>,
  threads: number,
) {
  const state = new TrainingState([...weights].map(([name, { shape }]) => ({ name, shape })));
  await state.load({ parameters: weights });
  const forward = await ProgramSession.create(programs.forward, { threads });
  const backward = await ProgramSession.create(programs.gradients, { threads });
  const feeds = { ...inputs, ...state.feeds() };
  const used = new Set(backward.outputs.map(({ name }) => name));
  const loss = Float32Array.of(Number.NaN);
  const wanted = Object.entries(state.fetches()).filter(([name]) => used.has(name));
  const fetches = { ...Object.fromEntries(wanted), loss: array(loss) };
  const gradients = async () => void (await backward.run(feeds, fetches));
  return {
    flops: { forward: programs.forward.flops, gradients: programs.gradients.flops },
    run: {
      forward: async () => void (await forward.run(feeds, ['loss'])),
      gradients,
      step: async () => {
        await gradients();
        state.clipAndStep({ learningRate: 1e-5, weightDecay: 1e-4, clipNorm: 1, emaDecay: 0.999 });
      },
    },
    check: async () => {
      await gradients();
      let squares = 0;
      for (const { data } of state.gradients.values()) for (const x of data as Float32Array) squares += x * x;
      return { loss: loss[0] ?? Number.NaN, gradientNorm: Math.sqrt(squares) };
    },
    close: async () => void (await Promise.all([forward.close(), backward.close()])),
  };
}

async function networkCase(name: string, model: ModelConfig, size: number, threads: number): Promise<Case> {
  const parameters = initParameters(model, 'bench');
  enliven(parameters);
  const batch = randomBatch(model, size);
  const program = (gradients: boolean) =>
    buildLossProgram(model, { batch: size, gradients, imageMask: false, stageLabel: true });
  const integers = (data: ArrayLike<number>) => BigInt64Array.from(data, BigInt);
  const work = await training(
    { forward: program(false), gradients: program(true) },
    splitLayers(model, parameters),
    {
      images: batch.images,
      state: batch.state,
      task: integers(batch.task),
      stage: integers(batch.toldStage),
      stage_label: integers(batch.stage),
      actions: batch.actions,
      noise: batch.whiteNoise,
      time: batch.time,
      ...(model.auxiliary?.objects && { objects: batch.objects }),
    },
    threads,
  );
  const sampler = await ActionSampler.create(model, parameters, { batch: 1, steps: STEPS, threads });
  const chunk = model.actionHorizon * model.actionDim;
  const noise = Random.of('bench', 'start').fillNormal(new Float32Array(chunk));
  const seen = {
    images: batch.images.slice(0, model.cameras.length * model.imageSize ** 2 * 3),
    state: batch.state.slice(0, model.actionDim),
    task: integers(batch.task.slice(0, 1)),
    stage: integers(batch.toldStage.slice(0, 1)),
  } satisfies SamplerInputs;
  const arrays = peerArrays(model, parameters, batch);
  for (const key of ['images', 'state', 'task', 'stage'] as const) {
    const whole = arrays.get(`batch/${key}`);
    if (!whole) throw new ValetError('bench network', `the batch has no ${key}.`);
    const data = whole.data.slice(0, whole.data.length / size);
    arrays.set(`sample/${key}`, array(data, 1, ...whole.shape.slice(1)));
  }
  arrays.set('sample/start', array(noise, 1, model.actionHorizon, model.actionDim));
  const millions = (countParameters(model).total / 1e6).toPrecision(3);
  return {
    ...work,
    name: `${name} (${millions} M parameters, batch ${size})`,
    run: { ...work.run, sample: async () => void (await sampler.sample(seen, noise)) },
    arrays,
    config: model,
    check: async () => ({ ...(await work.check()), actions: [...(await sampler.sample(seen, noise)).actions] }),
    close: async () => void (await Promise.all([work.close(), sampler.close()])),
  };
}

async function transformerCase(shape: TransformerShape, threads: number): Promise<Case> {
  const weights = transformerParameters(shape);
  const random = Random.of('bench', 'transformer', 'batch');
  const rows = shape.batch * shape.tokens;
  const numbers = () => random.fillNormal(new Float32Array(rows * shape.inputs));
  const inputs = { x: numbers(), target: numbers() };
  const program = (gradients: boolean) => transformerProgram(shape, { gradients });
  const work = await training({ forward: program(false), gradients: program(true) }, weights, inputs, threads);
  const { layers, width, tokens, batch } = shape;
  return {
    ...work,
    name: `transformer (${layers} layers, width ${width}, ${tokens} tokens, batch ${batch})`,
    arrays: new Map([
      ...[...weights].map(([name, value]) => [`parameters/${name}`, value] as const),
      ...Object.entries(inputs).map(([name, data]) => [`batch/${name}`, array(data, rows, shape.inputs)] as const),
    ]),
    config: shape,
    check: async () => ({ ...(await work.check()), actions: [] }),
  };
}
