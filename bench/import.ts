import { execFile } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Random, ValetError } from '../src/base/index.ts';
import {
  bytesOf,
  configs,
  exportCheckpoint,
  type ModelConfig,
  modelConfig,
  parameterTree,
} from '../src/model/index.ts';
import { writeSafetensors } from '../src/tensor/index.ts';
import { ownProgram } from './ownProgram.ts';
import { runPeer } from './peer.ts';
import { type Benchmark, type BenchRow, row } from './row.ts';

const execute = promisify(execFile);
/** Size of the checkpoint; the released ones have 13.6 GB in float32: VALET_BENCH_GIGABYTES=13.6. */
const GIGABYTES = Number(process.env['VALET_BENCH_GIGABYTES'] ?? 2);
const SAMPLE_NUMBERS = 2 ** 26;

/**
 * Import of a generated checkpoint into a Valet folder; beside it a plain copy, and what the zstd program needs to test
 * such data.
 */
export const importBenchmark: Benchmark = {
  summary: 'import of a large checkpoint (set VALET_BENCH_GIGABYTES); peers: cp, zstd -t',
  async run({ note, threads }): Promise<BenchRow[]> {
    const folder = await mkdtemp(join(process.env['VALET_BENCH_FOLDER'] ?? tmpdir(), 'valet-bench-'));
    try {
      const config = networkOf(GIGABYTES * 1e9);
      const source = join(folder, 'source');
      const packed = await writeSource(source, config, folder, note);
      const rows: BenchRow[] = [];
      // An import is done when its bytes are on the disk; so is the copy that it is measured against.
      const copySeconds = await timed(() =>
        execute('sh', ['-c', 'cp -r "$0" "$1" && find "$1" -type f -exec sync {} +', source, join(folder, 'copy')]),
      );
      await rm(join(folder, 'copy'), { recursive: true });
      const out = join(folder, 'out');
      const { stdout } = await execute(
        process.execPath,
        [
          ...process.execArgv,
          ownProgram(),
          'import',
          source,
          '--out',
          out,
          '--threads',
          String(threads),
          '--json',
          '--quiet',
        ],
        { maxBuffer: 2 ** 24 },
      );
      const report = JSON.parse(stdout) as {
        bytesRead: number;
        seconds: number;
        cpuSeconds: number;
        peakMemoryBytes: number;
      };
      const megabytes = report.bytesRead / 1e6;
      const size = `${(report.bytesRead / 1e9).toFixed(1)} GB, ${packed}`;
      rows.push(
        row(`import, ${size}, ${threads} threads`, report.seconds, 's', { name: 'cp -r and sync', value: copySeconds }),
        row('import, rate of unpacked bytes', megabytes / report.seconds, 'MB/s', {
          name: 'cp -r and sync',
          value: megabytes / copySeconds,
        }),
        row('import, processor time of all threads', report.cpuSeconds, 's'),
        row('import, peak memory', report.peakMemoryBytes / 1e6, 'MB'),
      );
      const zstd = await zstdRate(folder, note);
      if (zstd)
        rows.push(
          row('import seconds beside zstd -t', report.seconds, 's', {
            name: 'zstd -t (one thread), computed from 268 MB',
            value: megabytes / zstd,
          }),
        );
      rows.push(
        row(
          'export, one folder per array',
          await timed(() =>
            exportCheckpoint(out, join(folder, 'export'), { format: 'openpi', partial: true, threads }),
          ),
          's',
          { name: 'cp -r and sync', value: copySeconds },
        ),
      );
      return rows;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** The released network with as many layers as fit, and a smaller vocabulary when it must be smaller still. */
function networkOf(bytes: number): ModelConfig {
  const { full } = configs;
  const sizeOf = (config: ModelConfig) =>
    parameterTree(config).reduce((sum, { shape }) => sum + bytesOf({ shape, dtype: 'float32' }), 0);
  for (let layers = full.layers; layers > 0; layers--) {
    const config = modelConfig({
      ...full,
      layers,
      visionLayers: Math.ceil((full.visionLayers * layers) / full.layers),
      vocabSize: layers < full.layers ? 32768 : full.vocabSize,
    });
    if (sizeOf(config) <= bytes * 1.1) return config;
  }
  throw new ValetError('bench import', `VALET_BENCH_GIGABYTES is too small (got ${bytes / 1e9}, expected 1 at least).`);
}

/** An OCDBT checkpoint by tensorstore where Python has it, else Valet's own export. @returns how it is stored */
async function writeSource(
  source: string,
  config: ModelConfig,
  folder: string,
  note: (line: string) => void,
): Promise<string> {
  const leaves = parameterTree(config).map(({ name, shape }) => [name, shape] as const);
  const request = join(folder, 'request.json');
  await writeFile(request, JSON.stringify({ out: source, leaves }));
  if (await runPeer('checkpoint.py', [request], { set: 'import', note })) return 'OCDBT with zstd';
  await mkdir(source);
  const random = Random.of('bench', 'import');
  const block = random.fillNormal(new Float32Array(2 ** 20));
  const arrays = new Map(
    leaves.map(([name, shape]) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
      for (let at = 0; at < data.length; at += block.length) data.set(block.subarray(0, data.length - at), at);
      return [name, { shape: [...shape], dtype: 'float32' as const, data }];
    }),
  );
  await writeSafetensors(join(source, 'model.safetensors'), arrays);
  return 'safetensors';
}

/** MB/s of unpacked float32 numbers that `zstd -t` tests; undefined when the program is not there. */
async function zstdRate(folder: string, note: (line: string) => void): Promise<number | undefined> {
  const file = join(folder, 'sample.bin');
  const block = Random.of('bench', 'zstd')
    .fillNormal(new Float32Array(2 ** 20))
    .map((x) => 0.02 * x);
  const handle = openSync(file, 'w');
  for (let i = 0; i < SAMPLE_NUMBERS / block.length; i++) writeSync(handle, new Uint8Array(block.buffer));
  closeSync(handle);
  try {
    await execute('zstd', ['-1', '-q', '-f', '--no-check', file]);
    const seconds = await timed(() => execute('zstd', ['-t', '-q', `${file}.zst`]));
    return (await stat(file)).size / 1e6 / seconds;
  } catch {
    note('no peer: the zstd program is not there.');
    return undefined;
  }
}
