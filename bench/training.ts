import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ValetError } from '../src/base/index.ts';
import { configs, initParameters, type ModelConfig, modelConfig } from '../src/model/index.ts';
import { type Parameters, writeSafetensors } from '../src/tensor/index.ts';
import { randomBatch, Trainer, type TrainingBatch } from '../src/train/index.ts';
import { enliven, peerArrays } from './networkCase.ts';
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
    const auxiliary = { ...base.auxiliary, chunk: { weight: 1 }, objects: { size: OBJECTS, weight: 1 } };
    const model = modelConfig({ ...base, auxiliary });
    const parameters = initParameters(model, 'bench');
    enliven(parameters);
    const batch = randomBatch(model, BATCH);
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
      first ??= { loss: report.losses['loss'] ?? Number.NaN, gradientNorm: report.gradientNorm };
    }
    const { flops, peak } = trainer.info;
    await trainer.close();
    const milliseconds = median(times.slice(2));

    const peer = await peerStep({ model, parameters, batch, threads, note });
    if (peer && first) {
      const loss = Math.abs(peer.loss / first.loss - 1);
      const norm = Math.abs(peer.gradientNorm / first.gradientNorm - 1);
      if (!(loss < SAME_LOSS && norm < 100 * SAME_LOSS))
        throw new ValetError(
          'bench training',
          `the peer computes something else (loss ${peer.loss}, gradient norm ${peer.gradientNorm}; ` +
            `expected ${first.loss}, ${first.gradientNorm}).`,
        );
    }
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
      row("share of the machine's peak", gflops / (peak ?? Number.NaN), '1'),
    ];
  },
};

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
    await writeSafetensors(join(folder, 'arrays.safetensors'), peerArrays(model, parameters, batch));
    await writeFile(
      join(folder, 'request.json'),
      JSON.stringify({ model, threads, steps: STEPS, learningRate: LEARNING_RATE }),
    );
    return (await runPeer('training.py', [folder], { set: 'network', note })) as PeerStep | undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
