import { spawn } from 'node:child_process';
import { cp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processMemory, ValetError } from '../src/base/index.ts';
import { configNamed } from '../src/model/index.ts';
import { ownProgram } from './ownProgram.ts';
import { randomCheckpoint } from './plan.ts';
import { type Benchmark, type BenchRow, row } from './row.ts';

/** Adapters on the language model, which is frozen then; the vision tower is frozen too. */
const ADAPTERS = ['--lora', 'rank=16', '--set', 'freeze=["visionTower"]', 'layerwise=true', 'batch=1'];
/** One demonstration is enough; nothing of it is looked at or kept in memory beyond a few samples. */
const SHORT = ['stream=always', 'memoryGiB=0.5', 'validation.share=0', 'checkpointEvery=1000000'];

/** What a training process took, as the system counted it while it ran. */
interface Taken {
  readonly lines: readonly string[];
  readonly resident: number;
  readonly own: number;
}

/**
 * `valet train` of a whole network from random weights, layer by layer with adapters: one update and its checkpoint,
 * from the command that a user gives.
 */
export const step: Benchmark = {
  summary:
    'one update layer by layer with adapters, from random weights, and its memory; --config full (50 GB of disk)',
  async run({ threads, note, settings }): Promise<BenchRow[]> {
    const { config = 'full' } = settings;
    const folder = join(tmpdir(), `valet-step-${process.pid}`);
    const at = (name: string) => join(folder, name);
    try {
      await mkdir(folder, { recursive: true });
      const tasks = ['--tasks', 'turning_on_radio', '--episodes', '1'];
      await valet(['home', 'demos', ...tasks, '--quiet', '--out', at('demos')], note);
      await valet(['stats', at('demos'), '--quiet', '--out', at('stats')], note);
      const init = await randomCheckpoint(at('random'), configNamed(config), note);
      const stats = join(init, 'assets/household/norm_stats.json');
      await cp(at('stats/norm_stats.json'), stats);
      const from = ['--config', config, '--data', at('demos'), '--init', init, '--stats', stats, '--out', at('run')];
      const how = [...ADAPTERS, ...SHORT, '--steps', '1', '--threads', String(threads)];
      const { lines, resident, own } = await valet(['train', ...from, ...how], note);
      const number = (pattern: RegExp) => Number(lines.map((line) => pattern.exec(line)?.[1]).find(Boolean));
      const [, amount, unit] = /memory: about ([\d.]+) ([GM]B)/.exec(lines.join('\n')) ?? [];
      const estimate = { name: 'the estimate', value: Number(amount) / (unit === 'MB' ? 1000 : 1) };
      return [
        row(`${config}: first update, ${threads} threads`, number(/first update: ([\d.]+) s/), 's'),
        row(`${config}: memory, resident at most`, resident / 1e9, 'GB', estimate),
        row(`${config}: memory of its own at most`, own / 1e9, 'GB', estimate),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Runs this program with other arguments, and looks at its memory all the while. */
async function valet(args: readonly string[], note: (line: string) => void): Promise<Taken> {
  note(`valet ${args.join(' ')}`);
  const child = spawn(process.execPath, [...process.execArgv, ownProgram(), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  let [text, resident, own] = ['', 0, 0];
  child.stderr.on('data', (chunk: Buffer) => {
    const parts = (text + chunk.toString()).split('\n');
    text = parts.pop() ?? '';
    for (const line of parts) note(line);
    lines.push(...parts);
  });
  const look = setInterval(() => {
    const memory = processMemory(`/proc/${child.pid}/status`);
    resident = Math.max(resident, memory.resident);
    own = Math.max(own, memory.own ?? 0);
  }, 100);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  clearInterval(look);
  if (code !== 0) throw new ValetError('bench step', `valet ${args[0]} ended with ${code}; its message stands above.`);
  return { lines, resident, own };
}
