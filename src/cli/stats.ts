import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { QUANTILE_ERROR, raiseDeviations, writeNormStats } from '../action/index.ts';
import {
  duration,
  InputError,
  jsonText,
  lockFolder,
  Progress,
  parseRedisUrl,
  present,
  requireOutput,
  writeFileAside,
} from '../base/index.ts';
import { datasetStatistics, openSets } from '../data/index.ts';
import { chosenRobot, robotRecord } from '../robot/index.ts';
import { addDataOptions, type DataOptionValues, dataChoice, tellNotes } from './shared/dataOptions.ts';
import { chosenFloors, floorSentence, MIN_STD_HELP } from './shared/floors.ts';
import { refuseIdle } from './shared/given.ts';
import { atLeastZero, positive } from './shared/numbers.ts';

interface Options extends DataOptionValues {
  robot?: string;
  out: string;
  minStd?: number;
  force: boolean;
  workers: number;
  memory: number;
  queue?: string;
  json: boolean;
  quiet: boolean;
}

export function command(): Command {
  const stats = new Command('stats')
    .description('exact statistics and correlation over all chunks of a data set, as the original norm_stats.json')
    .argument('<dir...>', 'data sets (LeRobot v2.0, v2.1 or v3.0); several are taken as one')
    .requiredOption('--out <dir>', 'folder for norm_stats.json and robot.json')
    .option('--robot <name|file>', 'whose data they are (default: as the data sets say)');
  return addDataOptions(stats)
    .option('--min-std <x>', MIN_STD_HELP, atLeastZero)
    .option('--force', 'replace the statistics that --out holds', false)
    .option('--workers <n>', 'worker threads; the numbers do not depend on it', positive, availableParallelism())
    .option(
      '--memory <gb>',
      'for exact quantiles (8 bytes a frame and action column, rounded up to 8 columns); beyond it they are read ' +
        'from counts',
      atLeastZero,
      4,
    )
    .option('--queue <redis>', 'redis://HOST:PORT: workers on any machine add up (valet worker)')
    .option('--json', 'print one JSON object on stdout', false)
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText('after', '\nExample:\n  $ valet stats demos --out demos-stats')
    .action(run);
}

async function run(folders: string[], options: Options, command: Command): Promise<void> {
  const { queue } = options;
  if (queue !== undefined) {
    parseRedisUrl(queue);
    refuseIdle(command, ['workers'], 'with --queue: valet worker says how many threads each machine has');
  }
  await requireOutput(options.out, { kind: 'folder' });
  const lock = await lockFolder(options.out, 'valet stats');
  try {
    const out = join(options.out, 'norm_stats.json');
    if (existsSync(out) && !options.force)
      throw new InputError(out, 'is there already, of another run perhaps. Choose another --out, or add --force.');
    await compute(folders, options, out);
  } finally {
    await lock.release();
  }
}

async function compute(folders: string[], options: Options, out: string): Promise<void> {
  const started = performance.now();
  const onNotice = (notice: string) => void (options.quiet || process.stderr.write(`${notice}\n`));
  let reading: Progress | undefined;
  let computing: Progress | undefined;
  const given = options.robot === undefined ? undefined : await chosenRobot(options.robot);
  const { sets, notes } = await openSets(folders, { robot: given, choice: await dataChoice(options) });
  if (!options.quiet) tellNotes(notes);
  const { robot, statistics, frames, chunks, quantiles, workers } = await datasetStatistics(folders, {
    robot: given,
    sets,
    workers: options.workers,
    memory: options.memory * 2 ** 30,
    result: out,
    queue: options.queue === undefined ? undefined : { address: options.queue, onNotice },
    reading(done, total) {
      reading ??= new Progress('reading', total, { unit: 'frames', silent: options.quiet });
      reading.at(done);
    },
    computing(part, doing) {
      reading?.end();
      reading = undefined;
      computing ??= new Progress('computing', 100, { unit: '%', silent: options.quiet });
      computing.at(Math.floor(100 * part), doing);
    },
  });
  computing?.end();
  const floors = chosenFloors(robot, options.minStd);
  // Where the statistics are, the command is done.
  await writeFileAside(join(options.out, 'robot.json'), jsonText(robotRecord(robot)));
  await writeNormStats(out, raiseDeviations(statistics, floors));

  const seconds = (performance.now() - started) / 1000;
  const summary = {
    frames,
    chunks,
    seconds: Number(seconds.toFixed(3)),
    framesPerSecond: Math.round(frames / seconds),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    out: options.out,
    robot: robot.name,
    workers,
    quantiles,
    minStd: options.minStd ?? floors,
    quantileErrorRelative: quantiles === 'exact' ? 0 : QUANTILE_ERROR,
  };
  if (options.json) {
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const still = robot.parts.flatMap(({ name, columns: [start, end] }) =>
    Array.from({ length: end - start }, (_, i) => start + i)
      .filter((d) => present(statistics.actions.std[d], 'statistics.actions.std[d]') < 1e-6)
      .map((d) => `${name} ${d - start}`),
  );
  const how =
    quantiles === 'exact'
      ? 'exact'
      : `from counts, within ${(100 * QUANTILE_ERROR).toFixed(2)} % of the value (more --memory makes them exact)`;
  const lines = [
    `${frames} frames, ${chunks} chunks in ${duration(seconds)} (${summary.framesPerSecond} frames/s) → ${out}`,
    `robot: ${robot.name}, ${robot.width} actions at ${robot.rate} Hz`,
    `quantiles: ${how}`,
    `deviations: ${floorSentence(robot, options.minStd)}`,
    ...(still.length > 0 ? [`never moves: ${still.join(', ')}`] : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
