import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { InputError, nearest } from '../base/index.ts';
import type { Benchmark, BenchRow, BenchSettings } from './bench/row.ts';
import { positive } from './numbers.ts';

/** Every benchmark, loaded when it runs. */
const BENCHMARKS: Record<string, () => Promise<Benchmark>> = {
  plan: async () => (await import('./bench/plan.ts')).plan,
  network: async () => (await import('./bench/network.ts')).network,
  statistics: async () => (await import('./bench/statistics.ts')).statistics,
  import: async () => (await import('./bench/import.ts')).importBenchmark,
  training: async () => (await import('./bench/training.ts')).training,
  simulator: async () => (await import('./bench/simulator.ts')).simulator,
  tokenizer: async () => (await import('./bench/tokenizer.ts')).tokenizer,
  server: async () => (await import('./bench/server.ts')).server,
};

export function command(): Command {
  return new Command('bench')
    .description('one benchmark, with its peer beside it where Python is there')
    .argument('<name>', Object.keys(BENCHMARKS).join(', '))
    .option('--threads <n>', 'threads of the work', positive, availableParallelism())
    .option('--config <name>', 'plan: which network')
    .option('--dtype <types>', 'plan: int8, float32 or both')
    .option('--checkpoint <dir>', 'plan: a float32 checkpoint in place of random weights')
    .option('--peer <none>', 'leave the peers out')
    .addOption(new Option('--measure <dir>').hideHelp())
    .option('--minutes <n>', 'server: how long 64 clients are served', minutes, 10)
    .option('--json', 'print the rows as one JSON array', false)
    .addHelpText('after', '\nExample:\n  $ valet bench training --json')
    .action(run);
}

async function run(
  name: string,
  { threads, json, ...settings }: { threads: number; json: boolean } & BenchSettings,
): Promise<void> {
  const load = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (!load) {
    const guess = nearest(name, Object.keys(BENCHMARKS));
    throw new InputError(
      'bench',
      `there is no benchmark '${name}'. ${guess ? `Did you mean '${guess}'?` : `Known: ${Object.keys(BENCHMARKS).join(', ')}.`}`,
    );
  }
  const rows = await (await load()).run({
    threads,
    settings,
    note: (line) => void process.stderr.write(`${line}\n`),
  });
  if (settings.measure) return; // it has printed what it measured
  process.stdout.write(json ? `${JSON.stringify(rows)}\n` : rows.map((row) => `${sentence(row)}\n`).join(''));
}

function sentence({ name, value, unit, peer, peerValue, ratio }: BenchRow): string {
  const amount = unit === '1' ? `${value}` : `${value} ${unit}`;
  return `${name}: ${amount}${peer ? ` (${peer}: ${peerValue} ${unit}, ratio ${ratio})` : ''}`;
}

function minutes(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 10_000)) throw new InvalidArgumentError(`'${text}' is no number of minutes.`);
  return value;
}
