import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError, Progress, Random, ValetError } from '../src/base/index.ts';
import {
  buildDenoiseProgram,
  buildPrefixProgram,
  buildVisionProgram,
  configNamed,
  type ModelConfig,
  modelConfig,
  parameterTree,
  planningConfig,
  quantiseCheckpoint,
  readCheckpointParts,
} from '../src/model/index.ts';
import { gemmPeak, safetensorsLayout } from '../src/tensor/index.ts';
import { ownProgram } from './ownProgram.ts';
import { runPeer } from './peer.ts';
import { measurePlan, type PlanTimes } from './planMeasure.ts';
import { type Benchmark, type BenchRow, type BenchSettings, median, row } from './row.ts';

const ROUNDS = 3;
const DTYPES = ['int8', 'float32'] as const;
type DType = (typeof DTYPES)[number];

interface PeerTimes {
  readonly version: string;
  readonly seconds: Readonly<Record<'vision' | 'prefix' | 'denoise' | 'plan', number[]>>;
  readonly peakBytes: number;
}

/** One plan of a whole network: vision, prefix, denoise steps, memory, start; beside PyTorch on the same shapes. */
export const plan: Benchmark = {
  summary:
    'one plan (vision, prefix, 20 denoise steps), memory, start and int8 error; --config full --dtype int8,float32',
  async run({ threads, note, settings }): Promise<BenchRow[]> {
    if (settings.measure) {
      process.stdout.write(`${JSON.stringify(await measurePlan(settings.measure, { threads, rounds: ROUNDS }))}\n`);
      return [];
    }
    const dtypes = (settings.dtype ?? DTYPES.join(',')).split(',').map(dtypeNamed);
    const folder = join(tmpdir(), `valet-plan-${process.pid}`);
    try {
      const whole = settings.checkpoint ?? (await randomCheckpoint(join(folder, 'float32'), chosen(settings), note));
      const { config, robot } = await readCheckpointParts(whole);
      if (dtypes.includes('int8')) {
        await mkdir(join(folder, 'int8'), { recursive: true });
        note('rounding to int8 …');
        await quantiseCheckpoint(whole, join(folder, 'int8'));
      }
      const peers = settings.peer === 'none' ? [] : await measurePeers(folder, config, threads, note);
      const times = new Map<DType, PlanTimes>();
      const rows: BenchRow[] = [];
      for (const dtype of dtypes) {
        note(`Valet ${dtype} …`);
        const measured = await inOwnProcess(dtype === 'int8' ? join(folder, 'int8') : whole, threads);
        times.set(dtype, measured);
        rows.push(...rowsOf(dtype, measured, peers, threads));
      }
      return [
        ...rows,
        ...(await sharesOfPeak(config, times, threads)),
        ...(times.size === 2 ? await actionError(config.actionDim, robot.width, join(folder, 'int8'), whole) : []),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function dtypeNamed(name: string): DType {
  if ((DTYPES as readonly string[]).includes(name)) return name as DType;
  throw new InputError('--dtype', `'${name}' is not measured (expected ${DTYPES.join(', ')}, or both).`);
}

const chosen = ({ config = 'full' }: BenchSettings): ModelConfig =>
  modelConfig({ ...planningConfig(configNamed(config)), useCorrelatedNoise: false });

/**
 * A float32 checkpoint whose weights are normal numbers of the size that keeps activations near 1; a stretch of them is
 * used again and again.
 */
export async function randomCheckpoint(
  folder: string,
  config: ModelConfig,
  note: (line: string) => void,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const tree = new Map(parameterTree(config).map(({ name, shape }) => [name, { shape, dtype: 'float32' as const }]));
  const { head, offsets, length } = safetensorsLayout(tree);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < length * 1.4)
    throw new ValetError(
      folder,
      `${(length * 1.4e-9).toFixed(1)} GB are needed here for a moment, ` +
        `${((bavail * bsize) / 1e9).toFixed(1)} GB are free.`,
    );
  note(`${(length / 1e9).toFixed(1)} GB of random weights …`);
  const stretch = Random.of('bench plan').fillNormal(new Float32Array(4_194_301)); // a prime: rows do not repeat
  const scaled = new Float32Array(stretch.length);
  const file = await open(join(folder, 'params.safetensors'), 'wx');
  const progress = new Progress('writing', Math.round(length / 1e6), { unit: 'MB' });
  try {
    await file.write(head, 0, head.length, 0);
    for (const [name, { shape }] of tree) {
      const size = shape.reduce((a, b) => a * b, 1);
      const [heads = 1, rows = 1] = [shape.at(-3), shape.at(-2)];
      const scale = shape.length > 1 ? (rows * (name.includes('attn_vec') ? heads : 1)) ** -0.5 : 0.02;
      const from = offsets.get(name) ?? 0;
      for (const [i, x] of stretch.entries()) scaled[i] = x * scale;
      for (let done = 0; done < size; done += stretch.length) {
        const part = new Uint8Array(scaled.buffer, 0, 4 * Math.min(stretch.length, size - done));
        await file.write(part, 0, part.length, from + 4 * done);
        progress.at(Math.round((from + 4 * done) / 1e6));
      }
    }
  } finally {
    progress.end();
    await file.close();
  }
  await writeFile(join(folder, 'config.json'), JSON.stringify({ format: 1, model: config, policy: {} }));
  await writeFile(join(folder, 'card.json'), JSON.stringify({ random: true }));
  return folder;
}

async function measurePeers(
  folder: string,
  config: ModelConfig,
  threads: number,
  note: (line: string) => void,
): Promise<{ name: string; times: PeerTimes }[]> {
  await mkdir(folder, { recursive: true });
  const leaves = Object.fromEntries(parameterTree(config).map(({ name, shape }) => [name, shape]));
  const out: { name: string; times: PeerTimes }[] = [];
  for (const dtype of ['bfloat16', 'float32']) {
    note(`PyTorch ${dtype} …`);
    const request = join(folder, `${dtype}.json`);
    await writeFile(request, JSON.stringify({ config, leaves, dtype, threads, steps: 20, rounds: ROUNDS + 1 }));
    const times = (await runPeer('plan.py', [request], { set: 'network', note })) as unknown as PeerTimes | undefined;
    if (!times) return [];
    out.push({ name: `${times.version}, ${dtype}`, times });
  }
  return out;
}

/** Runs this same program on one checkpoint alone. */
async function inOwnProcess(folder: string, threads: number): Promise<PlanTimes> {
  const args = ['bench', 'plan', '--measure', folder, '--threads', String(threads)];
  const child = spawn(process.execPath, [...process.execArgv, ownProgram(), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  const line = out.trim().split('\n').at(-1);
  if (code !== 0 || !line)
    throw new ValetError('bench plan', `the measuring process ended with ${code}; its message stands above.`);
  return JSON.parse(line) as PlanTimes;
}

function rowsOf(
  dtype: DType,
  times: PlanTimes,
  peers: readonly { name: string; times: PeerTimes }[],
  threads: number,
): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const [what, value] of Object.entries(times.seconds)) {
    const title = `${dtype}: ${what === 'denoise' ? '20 denoise steps' : what}, ${threads} threads`;
    if (peers.length === 0) rows.push(row(title, value, 's'));
    for (const { name, times: peer } of peers)
      rows.push(
        row(title, value, 's', { name, value: median(peer.seconds[what as keyof PeerTimes['seconds']].slice(1)) }),
      );
  }
  const lightest = peers.reduce<{ name: string; value: number } | undefined>(
    (best, { name, times: peer }) =>
      best && best.value <= peer.peakBytes / 1e9 ? best : { name, value: peer.peakBytes / 1e9 },
    undefined,
  );
  rows.push(row(`${dtype}: peak memory`, times.peakBytes / 1e9, 'GB', lightest));
  rows.push(row(`${dtype}: memory while planning`, times.settledBytes / 1e9, 'GB'));
  rows.push(
    row(`${dtype}: start`, times.start, 's', {
      name: `reading its ${(times.bytes / 1e9).toFixed(2)} GB`,
      value: times.read,
    }),
  );
  return rows;
}

/** What share of the machine's float32 matrix speed each part reaches (int8 may be above 1). */
async function sharesOfPeak(
  config: ModelConfig,
  times: ReadonlyMap<DType, PlanTimes>,
  threads: number,
): Promise<BenchRow[]> {
  const peak = (await gemmPeak(threads)) * 1e9;
  const flops = {
    vision: buildVisionProgram(config, { batch: 1 }).flops,
    prefix: buildPrefixProgram(config, { batch: 1 }).flops,
    denoise: 20 * buildDenoiseProgram(config, { batch: 1 }).flops,
  };
  return [...times].flatMap(([dtype, { seconds }]) =>
    (['vision', 'prefix', 'denoise'] as const).map((part) =>
      row(`${dtype}: ${part}, share of the float32 GEMM peak`, flops[part] / seconds[part] / peak, '1'),
    ),
  );
}

/** Normalised actions of the int8 network against the float32 one on the same observations and noise. */
async function actionError(padded: number, width: number, int8: string, whole: string): Promise<BenchRow[]> {
  const actionsOf = async (folder: string) => floats(await readFile(join(folder, 'actions.bin')));
  const [a, b] = await Promise.all([actionsOf(int8), actionsOf(whole)]);
  let [sum, max, count] = [0, 0, 0];
  for (const [i, x] of a.entries()) {
    if (i % padded >= width) continue;
    const difference = Math.abs(x - (b[i] ?? Number.NaN));
    sum += difference;
    max = Math.max(max, difference);
    count++;
  }
  return [
    row('int8: mean action error, in standard deviations', sum / count, '1'),
    row('int8: largest action error, in standard deviations', max, '1'),
  ];
}

const floats = (bytes: Buffer): Float32Array => new Float32Array(new Uint8Array(bytes).buffer);
