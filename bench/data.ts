import { execFile } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Random } from '../src/base/index.ts';
import { DatasetWriter, openSamples, type SampleSource } from '../src/data/index.ts';
import { CHALLENGE_ROBOT as ROBOT } from '../src/robot/index.ts';
import { videoRows } from './dataVideos.ts';
import { movingPictures } from './movingPictures.ts';
import { ownProgram } from './ownProgram.ts';
import { type Benchmark, type BenchRow, row } from './row.ts';

/** Of an episode. */
const FRAMES = 240;
/** Episodes that are written; the others of a large set are links to them. */
const DISTINCT = 16;
const [BATCH, BATCHES, STRIDE] = [64, 40, 3];
/** The network's pictures. */
const SIDE = 64;
const UPDATES = 60;
const execute = promisify(execFile);

/**
 * Data for training: decoding videos beside PyAV, samples streamed beside samples held in memory, the memory of
 * streamed ones as the set grows, and how long updates of `nano` wait for streamed data.
 */
export const data: Benchmark = {
  summary: 'videos decoded (peer: PyAV), samples streamed against held in memory, memory at 100 to 10,000 episodes',
  async run({ threads, note, settings }): Promise<BenchRow[]> {
    if (settings.measure) {
      process.stdout.write(`${JSON.stringify(await streamed(settings.measure, threads))}\n`);
      return [];
    }
    const folder = await mkdtemp(join(tmpdir(), 'valet-bench-'));
    try {
      const rows = await videoRows(folder, { note, peer: settings.peer !== 'none' });
      for (const size of [SIDE, 224]) {
        const set = join(folder, `set-${size}`);
        note(`writing ${DISTINCT} episodes of ${FRAMES} frames, ${size}x${size}`);
        await writeSet(set, size);
        rows.push(...(await sampleRows(set, size, threads)));
        rows.push(
          row(
            `time that updates of nano wait for streamed data, ${size}x${size} video`,
            100 * (await waiting(set, threads)),
            '%',
          ),
        );
      }
      for (const episodes of [100, 1000, 10_000]) {
        const set = join(folder, `large-${episodes}`);
        await linkedSet(join(folder, `set-${SIDE}`), set, episodes);
        note(`${episodes} episodes, in a process of its own`);
        const args = ['bench', 'data', '--measure', set, '--threads', String(threads), '--json'];
        const { stdout } = await execute(process.execPath, [...process.execArgv, ownProgram(), ...args]);
        const { peakBytes } = JSON.parse(stdout) as { peakBytes: number };
        rows.push(row(`peak memory of streamed samples, ${episodes} episodes`, peakBytes / 2 ** 20, 'MiB'));
        await rm(set, { recursive: true });
      }
      return rows;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const opened = (set: string, stream: 'always' | 'never', threads: number): Promise<SampleSource> =>
  openSamples([set], {
    ...{ imageSize: SIDE, frameStride: STRIDE, workers: threads, stream, log: () => undefined },
  });

/** Samples a second, from the first batch on: streamed, beside held in memory. */
async function sampleRows(set: string, size: number, threads: number): Promise<BenchRow[]> {
  const rates: number[] = [];
  let loading = 0;
  for (const stream of ['always', 'never'] as const) {
    const start = performance.now();
    const source = await opened(set, stream, threads);
    if (stream === 'never') loading = (performance.now() - start) / 1000;
    rates.push(await rateOf(source));
    await source.close();
  }
  const [streamedRate = 0, heldRate = 0] = rates;
  const name = `${size}x${size} video`;
  return [
    row(`a streamed sample, ${name}`, 1e6 / streamedRate, 'us', { name: 'held in memory', value: 1e6 / heldRate }),
    row(`streamed samples per second, ${name}`, streamedRate, '1/s'),
    row(
      `loading a sample into memory, ${name}`,
      (1e6 * loading) / ((DISTINCT * (FRAMES - ROBOT.horizon)) / STRIDE),
      'us',
    ),
  ];
}

async function rateOf(source: SampleSource): Promise<number> {
  const start = performance.now();
  for (let step = 0; step < BATCHES; step++) await source.batch(step, BATCH, 'bench', BATCHES);
  return (1000 * BATCH * BATCHES) / (performance.now() - start);
}

/** Some batches of streamed samples, and the most memory that this process took. */
async function streamed(set: string, threads: number): Promise<{ peakBytes: number }> {
  const source = await opened(set, 'always', threads);
  await rateOf(source);
  await source.close();
  return { peakBytes: process.resourceUsage().maxRSS * 1024 };
}

/** The share of the time that `valet train` waits for streamed data, over the last updates. */
async function waiting(set: string, threads: number): Promise<number> {
  const out = `${set}-run`;
  const options = ['--stream', 'always', '--steps', String(UPDATES), '--threads', String(threads)];
  const args = ['train', '--config', 'nano', '--data', set, '--out', out, ...options];
  await execute(process.execPath, [...process.execArgv, ownProgram(), ...args], { maxBuffer: 2 ** 24 });
  const lines = (await readFile(join(out, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const found = lines
    .map((line) => JSON.parse(line) as { dataWait?: number })
    .findLast(({ dataWait }) => dataWait !== undefined);
  return found?.dataWait ?? Number.NaN;
}

async function writeSet(root: string, size: number): Promise<void> {
  const writer = await DatasetWriter.create(root, { imageSize: size });
  for (let e = 0; e < DISTINCT; e++) {
    const random = Random.of('bench data', e);
    const smooth = (width: number) => {
      const phases = Float64Array.from({ length: width }, () => random.between(0, 6));
      return Float32Array.from({ length: FRAMES * width }, (_, i) =>
        Math.sin(Math.floor(i / width) / 20 + (phases[i % width] ?? 0)),
      );
    };
    await writer.addEpisode({
      ...{ taskIndex: 0, taskName: 'turning_on_radio', instruction: 'Turn on the radio.', instance: e },
      state: smooth(ROBOT.proprioception.layouts[0]?.length ?? 0),
      action: smooth(ROBOT.width),
      pictures: Object.fromEntries(
        ROBOT.cameraNames.map((name, c) => [name, [...movingPictures(size, FRAMES, 3 * e + c)]]),
      ),
      skills: [{ name: 'go', start: 0, end: FRAMES }],
      stages: new Uint16Array(FRAMES),
    });
  }
  await writer.finish();
}

/** A set of so many episodes whose files are links to those of a small one. */
async function linkedSet(from: string, root: string, episodes: number): Promise<void> {
  const numbered = /episode_\d{8}/;
  const files = (await readdir(from, { recursive: true })).filter((path) => numbered.test(path) && /\.\w+$/.test(path));
  const kinds = new Map<number, string[]>();
  for (const path of files) {
    const number = Number(/episode_(\d{8})/.exec(path)?.[1]);
    kinds.set(number, [...(kinds.get(number) ?? []), path]);
  }
  for (const path of files) await mkdir(dirname(join(root, path)), { recursive: true });
  for (let e = 0; e < episodes; e++)
    for (const path of kinds.get(e % DISTINCT) ?? [])
      await link(join(from, path), join(root, path.replace(numbered, `episode_${String(e).padStart(8, '0')}`)));
  for (const name of await readdir(join(from, 'meta')))
    if (/\.jsonl?$/.test(name))
      await writeFile(join(root, 'meta', name), await grown(join(from, 'meta', name), episodes));
}

/** A file of the index, for more episodes: lines of episodes again and again, with their numbers. */
async function grown(path: string, episodes: number): Promise<string> {
  const text = await readFile(path, 'utf8');
  if (path.endsWith('info.json')) {
    const info = JSON.parse(text) as object;
    return JSON.stringify({ ...info, total_episodes: episodes, total_frames: episodes * FRAMES });
  }
  if (!path.endsWith('.jsonl')) return text;
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  if (!lines[0] || !('episode_index' in lines[0])) return text;
  return `${Array.from({ length: episodes }, (_, e) =>
    JSON.stringify({ ...lines[e % lines.length], episode_index: e }),
  ).join('\n')}\n`;
}
