import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import type { Benchmark, BenchRow, BenchSettings } from '../../bench/row.ts';
import { InputError, nearest } from '../base/index.ts';
import { numberOption, positive } from './shared/numbers.ts';

/** Every benchmark, loaded when it runs. */
const BENCHMARKS: Record<string, () => Promise<Benchmark>> = {
  plan: async () => (await import('../../bench/plan.ts')).plan,
  network: async () => (await import('../../bench/network.ts')).network,
  statistics: async () => (await import('../../bench/statistics.ts')).statistics,
  import: async () => (await import('../../bench/import.ts')).importBenchmark,
  training: async () => (await import('../../bench/training.ts')).training,
  simulator: async () => (await import('../../bench/simulator.ts')).simulator,
  tokenizer: async () => (await import('../../bench/tokenizer.ts')).tokenizer,
  server: async () => (await import('../../bench/server.ts')).server,
};

const minutes = numberOption('minutes, more than 0 and up to 10000', (value) => value > 0 && value <= 10_000);

export function command(): Command {
  return new Command('bench')
    .description('benchmarks, each with its peers beside it where Python is there')
    .argument('<names...>', Object.keys(BENCHMARKS).join(', '))
    .option('--threads <n>', 'threads of the work', positive, availableParallelism())
    .option('--config <name>', 'plan: which network')
    .option('--dtype <types>', 'plan: int8, float32 or both')
    .option('--checkpoint <dir>', 'plan: a float32 checkpoint in place of random weights')
    .option('--peer <none>', 'leave the peers out')
    .addOption(new Option('--measure <dir>').hideHelp())
    .option('--minutes <n>', 'server: how long 64 clients are served', minutes, 10)
    .option('--json', 'print the rows as one JSON array', false)
    .addHelpText('after', '\nExample:\n  $ valet bench statistics tokenizer --json')
    .action(run);
}

async function run(
  names: readonly string[],
  { threads, json, ...settings }: { threads: number; json: boolean } & BenchSettings,
): Promise<void> {
  const loads = names.map(named); // before the first of them runs
  const all: BenchRow[] = [];
  for (const load of loads) {
    const note = (line: string) => void process.stderr.write(`${line}\n`);
    const rows = await (await load()).run({ threads, settings, note });
    if (settings.measure) return; // it has printed what it measured
    if (json) all.push(...rows);
    else process.stdout.write(rows.map((row) => `${sentence(row)}\n`).join(''));
  }
  if (json) process.stdout.write(`${JSON.stringify(all)}\n`);
}

function named(name: string): () => Promise<Benchmark> {
  const load = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (load) return load;
  const guess = nearest(name, Object.keys(BENCHMARKS));
  throw new InputError(
    'bench',
    `there is no benchmark '${name}'. ${guess ? `Did you mean '${guess}'?` : `Known: ${Object.keys(BENCHMARKS).join(', ')}.`}`,
  );
}

function sentence({ name, value, unit, peer, peerValue, ratio }: BenchRow): string {
  const amount = unit === '1' ? `${value}` : `${value} ${unit}`;
  return `${name}: ${amount}${peer ? ` (${peer}: ${peerValue} ${unit}, ratio ${ratio})` : ''}`;
}
