import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random, ValetError } from '../../base/index.ts';
import { configs, initParameters, type ModelConfig, sincos } from '../../model/index.ts';
import { type NdArray, type Parameters, writeSafetensors } from '../../tensor/index.ts';
import { flowTimes, Trainer, type TrainingBatch } from '../../train/index.ts';
import { runPeer } from './peer.ts';
import { type Benchmark, type BenchRow, median, row } from './row.ts';

const BATCH = 64;
const STEPS = 14;
const OBJECTS = 12;
const LEARNING_RATE = 1e-4;
/** The peer's first loss must be ours to this relative difference, else it is another network. */
const SAME_LOSS = 1e-4;

/** A training step of the nano network on two ways of computing it. */
export const training: Benchmark = {
  summary: 'a training step of the nano network (loss, gradients, clipping, AdamW, average); peer: the same in PyTorch',
  async run({ threads, note }): Promise<BenchRow[]> {
    const base = configs.nano;
    const auxiliary = { ...base.auxiliary!, chunk: { weight: 1 }, objects: { size: OBJECTS, weight: 1 } };
    const model: ModelConfig = { ...base, auxiliary };
    const parameters = initParameters(model, 'bench');
    enliven(parameters);
    const batch = randomBatch(model);
    const optimizer = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 1e-4, clipNorm: 1, emaDecay: 0.999 };
    const trainer = await Trainer.open({
      model,
      batch: BATCH,
      optimizer,
      noiseFactor: null,
      threads,
      start: { parameters },
      measurePeak: true,
    });
    const times: number[] = [];
    let first: { loss: number; gradientNorm: number } | undefined;
    for (let step = 0; step < STEPS; step++) {
      const report = await trainer.step(batch, LEARNING_RATE);
      times.push(report.milliseconds);
      first ??= { loss: report.losses['loss']!, gradientNorm: report.gradientNorm };
    }
    const { flops, peak } = trainer.info;
    await trainer.close();
    const milliseconds = median(times.slice(2));

    const peer = await peerStep({ model, parameters, batch, threads, note });
    if (
      peer &&
      !(
        Math.abs(peer.loss / first!.loss - 1) < SAME_LOSS &&
        Math.abs(peer.gradientNorm / first!.gradientNorm - 1) < 100 * SAME_LOSS
      )
    )
      throw new ValetError(
        'bench training',
        `the peer computes something else (loss ${peer.loss}, gradient norm ${peer.gradientNorm}; expected ${first!.loss}, ${first!.gradientNorm}).`,
      );
    const gflops = flops / milliseconds / 1e6;
    return [
      row(
        `training step, nano, batch ${BATCH}, ${threads} threads`,
        milliseconds,
        'ms',
        peer && { name: `${peer.version}, float32`, value: peer.milliseconds },
      ),
      row('samples per second', (1000 * BATCH) / milliseconds, '1/s'),
      row('matrix products alone', gflops, 'GFLOP/s'),
      row("share of the machine's peak", gflops / peak!, '1'),
    ];
  },
};

/** Leaves that begin at zero hide whole paths of the network (adaRMS gates): give them small numbers. */
function enliven(parameters: Parameters): void {
  const random = Random.of('bench', 'weights');
  for (const { data } of parameters.values())
    if ((data as Float32Array).every((x) => x === 0))
      for (let i = 0; i < data.length; i++) data[i] = 0.1 * random.normal();
}

function randomBatch(model: ModelConfig): TrainingBatch {
  const random = Random.of('bench', 'batch');
  const numbers = (count: number) => random.fillNormal(new Float32Array(count));
  const chunk = model.actionHorizon * model.actionDim;
  const task = Int32Array.from({ length: BATCH }, () => random.integer(2));
  const stage = Int32Array.from(task, (id) => random.integer(model.taskNumStages[id]!));
  return {
    images: Uint8Array.from({ length: BATCH * 3 * model.imageSize ** 2 * 3 }, () => random.integer(256)),
    state: numbers(BATCH * model.actionDim),
    task,
    stage,
    toldStage: stage,
    actions: numbers(BATCH * chunk),
    whiteNoise: numbers(model.flowSamples * BATCH * chunk),
    time: flowTimes(random, model.flowSamples * BATCH),
    objects: numbers(BATCH * OBJECTS),
  };
}

interface PeerStep {
  readonly version: string;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly milliseconds: number;
}

async function peerStep({
  model,
  parameters,
  batch,
  threads,
  note,
}: {
  readonly model: ModelConfig;
  readonly parameters: Parameters;
  readonly batch: TrainingBatch;
  readonly threads: number;
  readonly note: (line: string) => void;
}): Promise<PeerStep | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'valet-bench-'));
  try {
    const { actionHorizon: h, actionDim: d, flowSamples: n, imageSize: s, vlmWidth } = model;
    const array = (data: NdArray['data'], ...shape: number[]): NdArray => {
      const dtype = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'uint8';
      return { shape, dtype, data };
    };
    const codes = model.taskNumStages.flatMap((count) =>
      Array.from({ length: count }, (_, i) => Math.fround(i / Math.max(count - 1, 1))),
    );
    const arrays: Parameters = new Map([
      ...[...parameters].map(([name, value]) => [`parameters/${name}`, value] as const),
      ['stage_codes', array(sincos(codes, vlmWidth / 2, 1e-3, 1), codes.length, vlmWidth / 2)],
      ['batch/images', array(batch.images, BATCH, 3, s, s, 3)],
      ['batch/state', array(batch.state, BATCH, d)],
      ['batch/task', array(batch.task, BATCH)],
      ['batch/stage', array(batch.toldStage, BATCH)],
      ['batch/stage_label', array(batch.stage, BATCH)],
      ['batch/actions', array(batch.actions, BATCH, h, d)],
      ['batch/noise', array(batch.whiteNoise, n, BATCH, h, d)],
      ['batch/time', array(batch.time, n, BATCH)],
      ['batch/objects', array(batch.objects, BATCH, OBJECTS)],
    ]);
    await writeSafetensors(join(folder, 'arrays.safetensors'), arrays);
    await writeFile(
      join(folder, 'request.json'),
      JSON.stringify({ model, threads, steps: STEPS, learningRate: LEARNING_RATE }),
    );
    return (await runPeer('training.py', [folder], { module: 'torch', note })) as PeerStep | undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
