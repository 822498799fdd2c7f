import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { relativeError } from '../../../test/support/model.ts';
import { configOfGoldenCase } from '../../../test/support/networkConfig.ts';
import { type ChunkStatistics, CorrelatedNoise, Inpainter } from '../../action/index.ts';
import { type Parameters, readSafetensors } from '../../tensor/index.ts';
import { ActionSampler, type SamplerInputs } from './sampler.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../../test/golden/sampler');
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
const read = (file: string): Promise<Parameters> => readSafetensors(join(folder, file));
const config = configOfGoldenCase(manifest.config);
const batch: number = manifest.config.batch;
const cameras: string[] = manifest.config.cameras;

/** The case's correlation: a packed lower triangle [960·961/2]. */
async function readNoise(): Promise<CorrelatedNoise> {
  const packed = (await read('correlation.safetensors')).get('cholesky_raw_packed')!.data as Float32Array;
  const n = config.actionHorizon * config.actionDim;
  const cholesky = new Float64Array(n * n);
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j <= i; j++) cholesky[i * n + j] = packed[at++]!;
  const stats = {
    horizon: config.actionHorizon,
    width: config.actionDim,
    correlation: { cholesky },
  } as unknown as ChunkStatistics;
  return new CorrelatedNoise(stats, { beta: manifest.config.correlation_beta });
}

async function observation(): Promise<SamplerInputs> {
  const inputs = await read('inputs.safetensors');
  const at = (name: string) => inputs.get(name)!.data;
  const pixels = config.imageSize ** 2 * 3;
  const images = new Uint8Array(batch * cameras.length * pixels);
  const imageMask = new Uint8Array(batch * cameras.length);
  cameras.forEach((camera, c) => {
    for (let b = 0; b < batch; b++) {
      const picture = (at(`image_uint8/${camera}`) as Uint8Array).subarray(b * pixels, (b + 1) * pixels);
      images.set(picture, (b * cameras.length + c) * pixels);
      imageMask[b * cameras.length + c] = Number(at(`image_mask/${camera}`)[b]);
    }
  });
  const prompt = at('tokenized_prompt') as Int32Array;
  const column = (k: number) => BigInt64Array.from({ length: batch }, (_, b) => BigInt(prompt[2 * b + k]!));
  return { images, imageMask, state: at('state') as Float32Array, task: column(0), stage: column(1) };
}

let noiseOnce: Promise<CorrelatedNoise> | undefined;
const noiseOfCase = (): Promise<CorrelatedNoise> => {
  noiseOnce ??= readNoise();
  return noiseOnce;
};

describe('golden sampler', () => {
  it.each(Object.keys(manifest.subcases))('%s', async (name) => {
    const { num_steps: steps, expected: file, initial_actions_shape: shape } = manifest.subcases[name];
    const [expected, parameters, noise, inputs] = await Promise.all([
      read(file),
      readSafetensors(join(folder, '../network-tiny/params.safetensors')),
      noiseOfCase(),
      observation(),
    ]);
    const data = (tensor: string) => expected.get(tensor)!.data as Float32Array;
    const start = noise.colour(Float64Array.from(data('noise_standard')));
    const inpainter = shape && new Inpainter(noise, { keepRows: shape[1], width: shape[2], skip: 'batch' });
    const sampler = await ActionSampler.create(config, parameters, { batch, steps, imageMask: true });
    const got: Record<string, number[]> = { noise: [...start], x_steps: [], enforced: [], correction_applied: [] };
    const { actions, stageLogits } = await sampler.sample(inputs, Float32Array.from(start), (x, time) => {
      if (inpainter) {
        const result = inpainter.apply(x, data('initial_actions'), start, time, manifest.config.time_threshold_inpaint);
        got['enforced']!.push(Number(result.enforced));
        got['correction_applied']!.push(Number(result.corrected.some(Boolean)));
      }
      for (const v of x) got['x_steps']!.push(v);
    });
    got['times_after'] = [...sampler.times.after];
    got['final_actions'] = [...actions];
    await sampler.close();
    const wrong: string[] = [];
    for (const q of manifest.quantities) {
      const values = q.name.startsWith(`${name}:`) ? got[q.tensor] : undefined;
      if (!values) continue;
      const { relative } = relativeError(values, data(q.tensor));
      if (!(relative <= q.tolerance_relative))
        wrong.push(`${q.name}: ${relative.toExponential(2)} > ${q.tolerance_relative}`);
    }
    const masked = data('stage_logits');
    const raw = stageLogits.map((x, i) => (masked[i] === -Infinity ? -Infinity : x));
    expect(relativeError(raw, masked).relative).toBeLessThan(1e-5);
    expect(wrong).toEqual([]);
  });
});
