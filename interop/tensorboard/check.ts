import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DatasetWriter } from '../../src/data/index.ts';
import { applySettings, checkTrainConfig, loadTrainConfig, train } from '../../src/train/index.ts';
import { fakeEpisode } from '../../test/support/data.ts';
import type { Check } from '../check.ts';
import { python } from '../python.ts';

interface HistogramFound {
  readonly step: number;
  readonly count: number;
  readonly buckets: number;
  readonly squares: number;
  readonly rising: boolean;
}

interface Found {
  readonly scalars: Readonly<Record<string, readonly [number, number][]>>;
  readonly histograms: Readonly<Record<string, readonly HistogramFound[]>>;
  readonly pictures: Readonly<
    Record<string, readonly { step: number; format: string; size: number[]; said: number[] }[]>
  >;
}

interface Line {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly gradientNorms: Readonly<Record<string, number>>;
}

/** The events of a run that lost its last checkpoint and went on, read by TensorBoard's own EventAccumulator. */
export const check: Check = async (report) => {
  const executable = await python(import.meta.dirname);
  const place = await mkdtemp(join(tmpdir(), 'valet-interop-tensorboard-'));
  try {
    const [data, out] = [join(place, 'data'), join(place, 'run')];
    const writer = await DatasetWriter.create(data, { imageSize: 56 });
    for (let seed = 0; seed < 2; seed++) await writer.addEpisode(fakeEpisode({ length: 40, size: 56, seed }));
    await writer.finish();
    const settings = ['steps=6', 'checkpointEvery=3', 'keepCheckpoints=3', 'histogramEvery=2'];
    const config = checkTrainConfig(applySettings(await loadTrainConfig('dummy'), settings));
    const stop = new AbortController();
    const options = { config, data: [data], out, threads: 1 };
    await train({ ...options, signal: stop.signal, onStep: (step) => step === 5 && stop.abort() });
    await truncate(join(out, 'checkpoints/000005/train.safetensors'), 10);
    await train({ ...options, resume: true });

    const side = join(import.meta.dirname, 'tensorboard_side.py');
    const { stdout } = await promisify(execFile)(executable, [side, out], { maxBuffer: 2 ** 26 });
    const { scalars, histograms, pictures } = JSON.parse(stdout) as Found;
    const lines = (await readFile(join(out, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const near = (tag: string, of: (line: Line) => number | undefined) => {
      const found = scalars[tag] ?? [];
      const same = lines.every((line, i) => {
        const [step, value = Number.NaN] = found[i] ?? [];
        const wanted = of(line) ?? Number.NaN;
        return step === line.step && Math.abs(value - wanted) <= 1e-6 * Math.abs(wanted);
      });
      report(`${tag}: every update once, also after a resume`, same && found.length === lines.length);
    };
    near('loss', ({ loss }) => loss);
    near('gradient_norm', ({ gradientNorm }) => gradientNorm);
    for (const part of ['vision', 'vlm', 'expert', 'task', 'kv'])
      near(`gradient_norms/${part}`, ({ gradientNorms }) => gradientNorms[part]);
    const tags = Object.keys(scalars);
    for (const group of ['loss/', 'parameter_norms/', 'kv_mixing/', 'task_action_loss/', 'learning_rate'])
      report(
        `there are scalars ${group}`,
        tags.some((tag) => tag.startsWith(group)),
      );
    const of = histograms['gradients/vlm'] ?? [];
    report('histograms of gradients at updates 2, 4 and 6', of.map(({ step }) => step).join() === '2,4,6');
    report(
      'histograms hold every number, their limits rise',
      Object.values(histograms)
        .flat()
        .every(({ count, buckets, rising }) => count === buckets && count > 0 && rising),
    );
    report(
      'their squares give the norms',
      of.every(({ step, squares }) => {
        const norm = lines.find((line) => line.step === step)?.gradientNorms['vlm'] ?? Number.NaN;
        return Math.abs(Math.sqrt(squares) / norm - 1) < 1e-6;
      }),
    );
    const shown = Object.values(pictures).flat();
    report(
      'the first batch is shown as PNG pictures of the size that the event says',
      shown.length === config.batch &&
        shown.every(({ format, size, said, step }) => format === 'PNG' && step === 0 && String(size) === String(said)),
      Object.keys(pictures).join(', '),
    );
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};
