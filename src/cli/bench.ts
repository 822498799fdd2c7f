import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { BENCHMARK_NAMES, type BenchRow, type BenchSettings, rowSentence, runBenchmarks } from '../../bench/index.ts';
import { numberOption, positive } from './shared/numbers.ts';

const minutes = numberOption('minutes, more than 0 and up to 10000', (value) => value > 0 && value <= 10_000);

export function command(): Command {
  return new Command('bench')
    .description('benchmarks, each with its peers beside it where Python is there')
    .argument('<names...>', BENCHMARK_NAMES.join(', '))
    .option('--threads <n>', 'threads of the work', positive, availableParallelism())
    .option('--config <name>', 'plan and step: which network')
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
  const all: BenchRow[] = [];
  await runBenchmarks(names, {
    threads,
    settings,
    note: (line) => void process.stderr.write(`${line}\n`),
    done: (rows) => {
      if (json) all.push(...rows);
      else process.stdout.write(rows.map((row) => `${rowSentence(row)}\n`).join(''));
    },
  });
  // A process that measures for another one has printed what it measured.
  if (json && !settings.measure) process.stdout.write(`${JSON.stringify(all)}\n`);
}
