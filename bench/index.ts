/** The benchmarks behind the README's tables; what they are measured beside lies in `peers/`. */
import { InputError, nearest } from '../src/base/index.ts';
import type { Benchmark, BenchRow } from './row.ts';

export type { BenchRow, BenchSettings } from './row.ts';

/** Every benchmark, loaded when it runs. */
const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  plan: async () => (await import('./plan.ts')).plan,
  network: async () => (await import('./network.ts')).network,
  statistics: async () => (await import('./statistics.ts')).statistics,
  data: async () => (await import('./data.ts')).data,
  step: async () => (await import('./step.ts')).step,
  import: async () => (await import('./import.ts')).importBenchmark,
  training: async () => (await import('./training.ts')).training,
  simulator: async () => (await import('./simulator.ts')).simulator,
  tokenizer: async () => (await import('./tokenizer.ts')).tokenizer,
  server: async () => (await import('./server.ts')).server,
  report: async () => (await import('./report.ts')).report,
};

export const BENCHMARK_NAMES: readonly string[] = Object.keys(BENCHMARKS);

/**
 * Runs benchmarks one after the other; `done` takes the rows of each, `note` a line for a person.
 * @throws InputError for a name that is none, before the first of them runs
 */
export async function runBenchmarks(
  names: readonly string[],
  { threads, settings, note, done }: Parameters<Benchmark['run']>[0] & { done: (rows: readonly BenchRow[]) => void },
): Promise<void> {
  const loads = names.map(benchmarkNamed);
  for (const load of loads) done(await (await load()).run({ threads, settings, note }));
}

function benchmarkNamed(name: string): () => Promise<Benchmark> {
  const load = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (load) return load;
  const guess = nearest(name, BENCHMARK_NAMES);
  const hint = guess ? `Did you mean '${guess}'?` : `Known: ${BENCHMARK_NAMES.join(', ')}.`;
  throw new InputError('bench', `there is no benchmark '${name}'. ${hint}`);
}

/** A row for a person. */
export function rowSentence({ name, value, unit, peer, peerValue, ratio }: BenchRow): string {
  const amount = unit === '1' ? `${value}` : `${value} ${unit}`;
  return `${name}: ${amount}${peer ? ` (${peer}: ${peerValue} ${unit}, ratio ${ratio})` : ''}`;
}
