import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { R1PRO, raiseDeviations, StatisticsAccumulator, writeNormStats } from '../action/index.ts';
import { duration, InputError, NotBuiltError, Progress } from '../base/index.ts';
import { openDataset } from '../data/index.ts';

interface Options {
  out: string;
  minStd: number;
  queue?: string;
  json: boolean;
  quiet: boolean;
}

export function command(): Command {
  return new Command('stats')
    .description('exact statistics and correlation over all chunks of a data set, as the original norm_stats.json')
    .argument('<dir...>', 'data sets (LeRobot v2.1 or v3.0); several are taken as one')
    .requiredOption('--out <dir>', 'folder for norm_stats.json')
    .option('--min-std <x>', 'raise smaller standard deviations to this (0: exact)', atLeastZero, 0)
    .option('--queue <url>', 'spread the work over a Redis queue')
    .option('--json', 'print one JSON object on stdout', false)
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText('after', '\nExample:\n  $ valet stats demos --out demos-stats')
    .action(run);
}

function atLeastZero(text: string): number {
  const value = Number(text);
  if (!(value >= 0)) throw new InvalidArgumentError('expected a number of at least 0.');
  return value;
}

async function run(folders: string[], options: Options): Promise<void> {
  if (options.queue) throw new NotBuiltError('valet stats', 'statistics over a queue (--queue)');
  const started = performance.now();
  const accumulator = new StatisticsAccumulator();
  for (const folder of folders) await addDataset(accumulator, folder, options.quiet);
  if (accumulator.chunks < 2)
    throw new InputError(
      folders.join(', '),
      `no episode is longer than a chunk (got ${accumulator.frames} frames in all, expected episodes of more than ${accumulator.horizon}).`,
    );

  const progress = new Progress('computing', 100, { unit: '%', silent: options.quiet });
  const stats = accumulator.finish((part, doing) => progress.at(Math.floor(100 * part), doing));
  progress.end();
  const out = join(options.out, 'norm_stats.json');
  await writeNormStats(out, options.minStd > 0 ? raiseDeviations(stats, options.minStd) : stats);

  const seconds = (performance.now() - started) / 1000;
  const { frames, chunks } = accumulator;
  const summary = {
    frames,
    chunks,
    seconds: Number(seconds.toFixed(3)),
    framesPerSecond: Math.round(frames / seconds),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    out: options.out,
  };
  if (options.json) {
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const still = R1PRO.parts.flatMap(({ name, start, end }) =>
    Array.from({ length: end - start }, (_, i) => start + i)
      .filter((d) => stats.actions.std[d]! < 1e-6)
      .map((d) => `${name} ${d - start}`),
  );
  process.stdout.write(
    `${frames} frames, ${chunks} chunks in ${duration(seconds)} (${summary.framesPerSecond} frames/s) → ${out}\n${
      still.length ? `never moves: ${still.join(', ')}\n` : ''
    }`,
  );
}

async function addDataset(accumulator: StatisticsAccumulator, folder: string, quiet: boolean): Promise<void> {
  const dataset = await openDataset(folder);
  const progress = new Progress('reading', dataset.episodes.length, { unit: 'episodes', silent: quiet });
  for (const episode of dataset.episodes) {
    const { 'observation.state': state, action } = await dataset.columns(episode, ['observation.state', 'action']);
    if (action.width !== R1PRO.width)
      throw new InputError(
        `${folder}: episode ${episode.index}`,
        `actions of another width (got ${action.width}, expected ${R1PRO.width}).`,
      );
    try {
      accumulator.add({ state: Float32Array.from(state.data), actions: Float32Array.from(action.data) });
    } catch (error) {
      if (error instanceof InputError)
        throw new InputError(`${folder}: episode ${episode.index}`, error.message, { cause: error });
      throw error;
    }
    progress.add();
  }
  progress.end();
}
