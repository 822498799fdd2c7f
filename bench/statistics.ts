import { execFile } from 'node:child_process';
import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Random, ValetError } from '../src/base/index.ts';
import { datasetStatistics, decodeOnly, encodeParquet } from '../src/data/index.ts';
import { CHALLENGE_ROBOT as ROBOT } from '../src/robot/index.ts';
import { ownProgram } from './ownProgram.ts';
import { runPeer } from './peer.ts';
import { type Benchmark, type BenchRow, median, row } from './row.ts';

const FRAMES = 2000;
const EPISODES = 200;
/** Distinct ones; the others are links to them. */
const DISTINCT = 16;
const ROUNDS = 3;
/** Numbers of the robot's proprioception, in its first layout. */
const STATE_LENGTH = ROBOT.proprioception.layouts[0]?.length ?? 0;

/**
 * Statistics of a data set in the BEHAVIOR layout (without videos), against merely decoding its columns, and Python
 * beside it.
 */
export const statistics: Benchmark = {
  summary: 'statistics over all chunks, against decoding the same columns, and memory at 1 and 10 million frames',
  async run({ threads, note }): Promise<BenchRow[]> {
    const folder = await mkdtemp(join(tmpdir(), 'valet-bench-'));
    try {
      const data = join(folder, 'data');
      note(`writing ${EPISODES} episodes of ${FRAMES} frames`);
      await writeDataset(data, EPISODES);
      const rows: BenchRow[] = [];
      const request = [data, String(threads), JSON.stringify(ROBOT)];
      const peer = (await runPeer('chunk_statistics.py', request, { set: 'statistics', note })) as
        | Record<'decode' | 'original' | 'fork' | 'forkWithCovariance', number>
        | undefined;
      for (const workers of [...new Set([1, threads])]) {
        const times = await interleaved(data, workers, note);
        const name = `${workers} worker${workers > 1 ? 's' : ''}`;
        rows.push(
          row(`statistics, one pass over the data, ${name}`, times.pass, 'us/frame', {
            name: 'decoding the same columns',
            value: times.decode,
          }),
          row(`statistics with everything after the pass, ${name}`, times.whole, 'us/frame', {
            name: 'decoding the same columns',
            value: times.decode,
          }),
          row(`taking the pass’s numbers from the pages and adding nothing, ${name}`, times.pick, 'us/frame', {
            name: 'decoding the same columns',
            value: times.decode,
          }),
          row(`processor time of the pass, ${name}`, times.busy, 'us/frame', {
            name: 'decoding the same columns',
            value: times.decodeBusy,
          }),
          row(`statistics, frames per second, ${name}`, 1e6 / times.pass, '1/s'),
          row(`share of the speed of decoding, ${name}`, (100 * times.decode) / times.pass, '%'),
          row(`the same by processor time, ${name}`, (100 * times.decodeBusy) / times.busy, '%'),
          row(`the same with everything after the pass, ${name}`, (100 * times.decode) / times.whole, '%'),
        );
        if (workers === threads && peer) {
          rows.push(row(`share of the speed of pyarrow’s decoding, ${name}`, (100 * peer.decode) / times.pass, '%'));
          for (const [key, what] of [
            ['decode', 'pyarrow, decoding only'],
            ['original', 'the original script’s form (pandas rows, a loop over chunks)'],
            ['fork', 'its faster fork’s form (pyarrow, sums per step only, no covariance)'],
            ['forkWithCovariance', 'the same with the covariance of all chunks (BLAS)'],
          ] as const)
            rows.push(row(`statistics, ${name}`, times.whole, 'us/frame', { name: what, value: peer[key] }));
        }
      }
      for (const millions of [1, 10]) {
        const large = join(folder, `large-${millions}`);
        await writeDataset(large, (millions * 1e6) / FRAMES, data);
        note(`${millions} million frames, in a process of its own`);
        rows.push(row(`peak memory at ${millions} million frames`, (await peakMemory(large, folder)) / 2 ** 20, 'MiB'));
        await rm(large, { recursive: true, force: true });
      }
      return rows;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Microseconds per frame, medians of rounds in which both take turns. */
async function interleaved(data: string, workers: number, note: (line: string) => void) {
  const [pass, whole, decode, busy, decodeBusy, pick] = [[], [], [], [], [], []] as number[][] as [
    number[],
    number[],
    number[],
    number[],
    number[],
    number[],
  ];
  await decodeOnly([data], { workers }); // files come into the cache
  for (let round = 0; round < ROUNDS; round++) {
    const { frames, seconds } = await datasetStatistics([data], { workers });
    pass.push((1e6 * seconds.reading) / frames);
    whole.push((1e6 * (seconds.reading + seconds.computing)) / frames);
    busy.push((1e6 * seconds.processor) / frames);
    const only = await decodeOnly([data], { workers });
    decodeBusy.push((1e6 * only.processor) / only.frames);
    decode.push((1e6 * only.seconds) / only.frames);
    const picked = await decodeOnly([data], { workers, how: 'pick' });
    if (picked.frames !== frames)
      throw new ValetError('bench statistics', `only ${picked.frames} of ${frames} frames were read page by page.`);
    pick.push((1e6 * picked.seconds) / frames);
    const [own, other] = [(1e6 * seconds.reading) / frames, (1e6 * only.seconds) / only.frames];
    note(`${workers} workers, round ${round + 1}: ${own.toFixed(2)} us a frame, decoding ${other.toFixed(2)}`);
  }
  return {
    pass: median(pass),
    whole: median(whole),
    decode: median(decode),
    busy: median(busy),
    decodeBusy: median(decodeBusy),
    pick: median(pick),
  };
}

/** `valet stats` in a process of its own, with quantiles from counts. */
async function peakMemory(data: string, folder: string): Promise<number> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...process.execArgv,
      ownProgram(),
      'stats',
      data,
      '--out',
      join(folder, 'out'),
      '--memory',
      '0',
      '--json',
      '--quiet',
    ],
    { maxBuffer: 2 ** 24 },
  );
  return (JSON.parse(stdout) as { peakMemoryBytes: number }).peakMemoryBytes;
}

/** A data set of LeRobot v2.1 in the BEHAVIOR layout; episodes after the first few, or all of them, are links. */
async function writeDataset(root: string, episodes: number, from?: string): Promise<void> {
  const file = (dir: string, i: number) =>
    join(dir, 'data', 'task-0000', `episode_${String(i).padStart(8, '0')}.parquet`);
  await mkdir(join(root, 'data', 'task-0000'), { recursive: true });
  await mkdir(join(root, 'meta'), { recursive: true });
  for (let i = 0; i < episodes; i++) {
    const source = from ? file(from, i % DISTINCT) : i >= DISTINCT ? file(root, i % DISTINCT) : undefined;
    if (source) await link(source, file(root, i));
    else await writeFile(file(root, i), encodeEpisode(i));
  }
  const info = {
    codebase_version: 'v2.1',
    robot_type: ROBOT.types[0],
    total_episodes: episodes,
    total_frames: episodes * FRAMES,
    total_tasks: 1,
    chunks_size: 10000,
    fps: ROBOT.rate,
    data_path: 'data/task-{episode_chunk:04d}/episode_{episode_index:08d}.parquet',
    video_path: null,
    features: {
      'observation.state': { dtype: 'float32', shape: [STATE_LENGTH] },
      action: { dtype: 'float32', shape: [ROBOT.width] },
    },
  };
  await writeFile(join(root, 'meta', 'info.json'), JSON.stringify(info));
  await writeFile(join(root, 'meta', 'tasks.jsonl'), '{"task_index": 0, "task_name": "bench", "task": "measure"}\n');
  const lines = Array.from({ length: episodes }, (_, i) =>
    JSON.stringify({ episode_index: i, tasks: ['measure'], length: FRAMES }),
  );
  await writeFile(join(root, 'meta', 'episodes.jsonl'), `${lines.join('\n')}\n`);
}

/** Smooth random motion of the robot: its proprioception and its actions. */
function encodeEpisode(index: number): Uint8Array {
  const random = Random.of('bench statistics', index);
  const smooth = (width: number) => {
    const out = new Float32Array(FRAMES * width);
    for (let d = 0; d < width; d++)
      for (let i = 0, x = random.normal(), v = 0; i < FRAMES; i++) {
        v = 0.9 * v + 0.01 * random.normal();
        x += v;
        out[i * width + d] = x;
      }
    return out;
  };
  return encodeParquet(
    [
      { name: 'index', kind: 'int64', data: Float64Array.from({ length: FRAMES }, (_, i) => i) },
      { name: 'observation.state', kind: 'float32list', data: smooth(STATE_LENGTH), width: STATE_LENGTH },
      { name: 'action', kind: 'float32list', data: smooth(ROBOT.width), width: ROBOT.width },
    ],
    FRAMES,
  );
}
