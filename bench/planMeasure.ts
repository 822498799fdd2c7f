import { createReadStream } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ActionSampler,
  buildVisionProgram,
  readCheckpointParts,
  splitLayers,
  syntheticInputs,
} from '../src/model/index.ts';
import { activationBits, ProgramSession } from '../src/tensor/index.ts';
import { median } from './row.ts';

/** What one process measured of one checkpoint; seconds and bytes. */
export interface PlanTimes {
  readonly seconds: {
    readonly vision: number;
    readonly prefix: number;
    readonly denoise: number;
    readonly plan: number;
  };
  /**
   * From nothing to a sampler that can plan, and reading the same files byte by byte; both with the files in the page
   * cache.
   */
  readonly start: number;
  readonly read: number;
  readonly bytes: number;
  readonly peakBytes: number;
  /** Memory when it plans, after the start. */
  readonly settledBytes: number;
}

/**
 * Measures plans of the checkpoint in `folder` in this process and prints one JSON line: run in a process of its own,
 * so that its memory is that of one network. Actions of the first observations go to `actions.bin`, to be compared.
 */
export async function measurePlan(folder: string, options: { threads: number; rounds: number }): Promise<PlanTimes> {
  const { threads, rounds } = options;
  const files = (await readdir(folder))
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => join(folder, name));
  await readAll(files);
  const { seconds: read, result: bytes } = await timed(() => readAll(files));

  const { seconds: start, result: opened } = await timed(async () => {
    const checkpoint = await readCheckpointParts(folder);
    const { config, parameters, quantised, policy } = checkpoint;
    const settings = { batch: 1, steps: policy.samplingSteps, threads, ...(quantised && { quantised }) };
    return { checkpoint, sampler: await ActionSampler.create(config, parameters, settings) };
  });
  const { checkpoint, sampler } = opened;
  const { config, parameters, quantised } = checkpoint;
  const inputs = syntheticInputs(checkpoint, rounds + 1, 'bench plan');
  const prefix: number[] = [];
  const denoise: number[] = [];
  const actions: Float32Array[] = [];
  for (const { inputs: observation, noise } of inputs) {
    const encoded = await timed(() => sampler.encode(observation));
    const sampled = await timed(() => sampler.denoise(encoded.result.cache, noise));
    prefix.push(encoded.seconds);
    denoise.push(sampled.seconds);
    actions.push(sampled.result);
  }
  const settledBytes = process.memoryUsage.rss();
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  await sampler.close();
  await writeFile(join(folder, 'actions.bin'), Buffer.concat(actions.map(({ buffer }) => Buffer.from(buffer))));

  const vision: number[] = [];
  const tower = await ProgramSession.create(buildVisionProgram(config, { batch: 1 }), {
    weights: splitLayers(config, parameters),
    threads,
    ...(quantised && { quantised, activationBits: await activationBits(), integerAttention: 'whole' as const }),
  });
  for (const { inputs: observation } of inputs)
    vision.push((await timed(() => tower.run({ images: observation.images }))).seconds);
  await tower.close();

  const later = (times: number[]): number => median(times.slice(1)); // the first touches all memory once
  const [v, p, d] = [later(vision), later(prefix), later(denoise)];
  return { seconds: { vision: v, prefix: p, denoise: d, plan: p + d }, start, read, bytes, peakBytes, settledBytes };
}

async function readAll(files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files)
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 23 })) bytes += (chunk as Buffer).length;
  return bytes;
}

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
}
