import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { InputError, Progress, readJson, requireOutput } from '../base/index.ts';
import { openDataset } from '../data/index.ts';
import {
  type ImportOptions,
  type ImportReport,
  importCheckpoint,
  int8Cost,
  int8Lines,
  type ModelConfigInput,
  readStageTable,
} from '../model/index.ts';
import { chosenRobot } from '../robot/index.ts';
import { chosenCheckpoint } from './shared/chosenCheckpoint.ts';
import { interruptible } from './shared/interruptible.ts';
import { positive, whole } from './shared/numbers.ts';
import { addStatisticsOption, OTHER_STATISTICS } from './shared/otherStatistics.ts';

interface Options {
  out: string;
  dtype: 'float32' | 'bfloat16' | 'int8';
  config?: string;
  tasks?: number;
  newStages?: number[];
  assetId?: string;
  robot?: string;
  stages?: string;
  normStats?: string;
  otherStatistics: boolean;
  seed: string;
  threads: number;
  observations?: number;
  observationsFrom?: string;
  json: boolean;
  quiet: boolean;
}

export function command(): Command {
  return addStatisticsOption(new Command('import'))
    .description('original orbax, openpi and safetensors checkpoints into a Valet checkpoint folder')
    .argument('<src>', 'orbax step or params folder, safetensors file or index, Valet checkpoint (or household)')
    .requiredOption('--out <dir>', 'the Valet checkpoint folder to make')
    .addOption(
      new Option('--dtype <type>', 'type of the stored weights')
        .choices(['float32', 'bfloat16', 'int8'])
        .default('float32'),
    )
    .option('--config <file>', 'JSON object with keys of the model configuration that no shape tells')
    .option('--tasks <n>', 'tasks of the new network; new rows of the tables are drawn at random', positive)
    .option('--new-stages <list>', 'stages of each new task, comma separated, or one number for all', list)
    .option('--asset-id <id>', 'which statistics, where the source has several')
    .option('--robot <name|file>', 'the robot that it drives, where the source does not say')
    .option('--stages <file>', 'JSON list of the stages of each task, where the source does not say')
    .option('--norm-stats <file>', "statistics in place of the source's")
    .option('--seed <seed>', 'seed of what is drawn at random', '0')
    .option('--threads <n>', 'threads that read and unpack', positive, Math.min(availableParallelism(), 8))
    .option('--observations <n>', 'int8: observations on which plans are compared with float32 (2)', whole)
    .option('--observations-from <dataset>', 'int8: take them from a LeRobot data set in place of synthetic ones')
    .option('--json', 'print one JSON object on stdout', false)
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ valet import policies/household --out household-100 --tasks 100 --new-stages 1',
    )
    .action(run);
}

const list = (text: string): number[] => text.split(',').map((part) => positive(part));

async function run(name: string, options: Options): Promise<void> {
  const { out, json, quiet } = options;
  if (options.dtype !== 'int8')
    for (const [name, value] of Object.entries({
      '--observations': options.observations,
      '--observations-from': options.observationsFrom,
    }))
      if (value !== undefined)
        throw new InputError(name, `has no meaning with --dtype ${options.dtype}; it says what int8 is compared on.`);
  await requireOutput(out, { kind: 'folder', fresh: 'Choose another folder or remove it first.' });
  if (options.observationsFrom !== undefined) await openDataset(options.observationsFrom);
  const config = options.config ? await readConfig(options.config) : {};
  const source = await chosenCheckpoint(name);
  const started = performance.now();
  let progress: Progress | undefined;
  let done = 0;
  const settings: ImportOptions = {
    config,
    seed: options.seed,
    threads: options.threads,
    otherStatistics: options.otherStatistics,
    ...(options.tasks !== undefined && { tasks: options.tasks }),
    ...(options.newStages && { newStages: options.newStages }),
    ...(options.assetId !== undefined && { assetId: options.assetId }),
    ...(options.robot !== undefined && { robot: await chosenRobot(options.robot) }),
    ...(options.stages !== undefined && { stages: await readStageTable(options.stages) }),
    ...(options.normStats !== undefined && { normStats: options.normStats }),
  };
  let rounding: Progress | undefined;
  const report = await interruptible('import', (signal) =>
    importCheckpoint(source, out, {
      ...settings,
      dtype: options.dtype,
      signal,
      start: (bytes) => {
        progress = new Progress('import', Math.round(bytes / 1e6), { unit: 'MB', silent: quiet });
      },
      copied: (bytes) => {
        done += bytes;
        progress?.at(Math.round(done / 1e6));
      },
      quantising: (matrices) => {
        progress?.end();
        rounding = new Progress('rounding', matrices, { unit: 'matrices', silent: quiet });
        return rounding;
      },
    }),
  );
  (rounding ?? progress)?.end();
  const seconds = (performance.now() - started) / 1000;
  const { observations = 2, observationsFrom: from, threads } = options;
  const { matrices } = report;
  const int8 =
    matrices &&
    (await interruptible(
      'import',
      (signal) =>
        int8Cost(source, out, matrices, {
          observations,
          ...(from !== undefined && { from }),
          threads,
          quiet,
          import: settings,
          signal,
        }),
      `${out} is complete, but what int8 costs was not measured`,
    ));
  if (json) process.stdout.write(`${JSON.stringify({ ...summary(report, out, seconds), ...(int8 && { int8 }) })}\n`);
  else {
    print(report, out, seconds);
    for (const line of int8 ? int8Lines(int8) : []) process.stdout.write(`${line}\n`);
  }
}

function summary(report: ImportReport, out: string, seconds: number) {
  const {
    layout,
    plan,
    bytesRead,
    bytesWritten,
    assetId,
    hasStatistics,
    ownStatistics,
    hasTokenizer,
    statisticsProblem,
    tokenizerProblem,
  } = report;
  return {
    layout,
    taken: plan.taken.length,
    fresh: plan.fresh,
    unused: plan.unused,
    extended: Object.fromEntries(plan.extended),
    robot: report.robot.name,
    tasks: report.config.taskNumStages.length,
    stages: report.config.taskNumStages.reduce((a, b) => a + b, 0),
    bytesRead,
    bytesWritten,
    seconds: Number(seconds.toFixed(3)),
    megabytesPerSecond: Number((bytesRead / 1e6 / seconds).toFixed(1)),
    cpuSeconds: Number((process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6).toFixed(2)),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    assetId,
    hasStatistics,
    ownStatistics,
    hasTokenizer,
    statisticsProblem,
    tokenizerProblem,
    out,
  };
}

function print(report: ImportReport, out: string, seconds: number): void {
  const { layout, plan, bytesRead, hasStatistics, assetId, config, robot } = report;
  const say = (line: string) => process.stdout.write(`${line}\n`);
  say(
    `${layout}: ${plan.taken.length} leaves taken, ${plan.fresh.length} drawn anew, ` +
      `${plan.unused.length} without a place → ${out}`,
  );
  for (const name of plan.fresh) say(`  drawn anew: ${name}`);
  for (const [name, rows] of plan.extended) say(`  ${name}: the first ${rows} rows taken, the others drawn anew`);
  if (plan.unused.length > 1 || (plan.unused[0] ?? 'action_correlation_cholesky') !== 'action_correlation_cholesky')
    say(`  no place for: ${plan.unused.join(', ')}`);
  say(
    `robot ${robot.name} · ${config.taskNumStages.length} tasks · ` +
      `${(bytesRead / 1e6 / seconds).toFixed(0)} MB/s · peak memory ` +
      `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
  );
  if (report.statisticsProblem)
    process.stderr.write(`${report.statisticsProblem} No plan can be made with them; they were copied as they are.\n`);
  if (report.ownStatistics === false) process.stderr.write(`${out}: ${OTHER_STATISTICS}\n`);
  if (report.tokenizerProblem) process.stderr.write(`the FAST vocabulary was left out: ${report.tokenizerProblem}\n`);
  if (report.foreignNormaliser)
    process.stderr.write(
      `${report.foreignNormaliser}: LeRobot's normaliser has numbers for each dimension, not for each step of a ` +
        'chunk, and is of the robot that it was trained for; it was not imported.\n',
    );
  if (!hasStatistics)
    process.stderr.write(
      `${out}: the source has no norm_stats.json, and no plan can be made without. Put it into ` +
        `assets/${assetId}/ (valet stats makes one), or give --norm-stats.\n`,
    );
}

const readConfig = (file: string): Promise<Partial<ModelConfigInput>> =>
  readJson(file, z.record(z.string(), z.unknown())); // the model's schema checks every key
