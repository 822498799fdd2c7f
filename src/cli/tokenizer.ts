import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { FAST_MAX_TOKENS } from '../action/index.ts';
import { duration, InputError, Progress, present, requireOutput, WorkerClient } from '../base/index.ts';
import { chosenRobot, type RobotRecord, robotRecord } from '../robot/index.ts';
import type { CheckJob, CheckReport, FitJob, FitReport } from '../train/index.ts';
import { addDataOptions, DATA_OPTIONS, type DataOptionValues, dataChoice } from './shared/dataOptions.ts';
import { refuseIdle } from './shared/given.ts';
import { aboveZero, positive } from './shared/numbers.ts';

interface Common extends DataOptionValues {
  robot?: string;
  horizon?: number;
  maxChunks: number;
  maxTokens: number;
  stats?: string;
  columns?: string;
  seed: string;
  json: boolean;
  quiet: boolean;
}

/** `valet tokenizer fit | check` */
export function command(): Command {
  const tokenizer = new Command('tokenizer')
    .description('fit and check a FAST vocabulary')
    .addHelpText('after', '\nExample:\n  $ valet tokenizer fit demos --out tokenizer');
  common(
    tokenizer
      .command('fit')
      .description('learn a FAST vocabulary from the action chunks of data sets; Hugging Face files')
      .argument('<dir...>', 'data sets (LeRobot v2.0, v2.1 or v3.0)')
      .requiredOption('--out <dir>', 'folder for the files; a checkpoint gets them in its assets')
      .option('--asset-id <id>', 'write to OUT/assets/ID/fast_tokenizer')
      .option('--vocab-size <n>', 'symbols of the vocabulary', positive, 1024)
      .option('--scale <x>', 'factor of the coefficients before rounding: larger is finer, and longer', aboveZero, 10),
  )
    .addHelpText('after', '\nExample:\n  $ valet tokenizer fit demos --out tokenizer')
    .action(fit);
  common(
    tokenizer
      .command('check')
      .description('take chunks through a vocabulary and back: length, error, what fails')
      .argument('<dir>', 'the folder of a vocabulary, or a checkpoint with one')
      .option('--data <dir...>', 'data sets whose chunks are taken (else smooth random ones)'),
  )
    .addHelpText('after', '\nExample:\n  $ valet tokenizer check tokenizer --data demos')
    .action(check);
  return tokenizer;
}

function common(command: Command): Command {
  return addDataOptions(command.option('--robot <name|file>', 'whose actions they are (default: as the data say)'))
    .option('--stats <file>', 'norm_stats.json whose q01 and q99 scale the actions (else those of the data)')
    .option('--columns <ranges>', 'columns that are encoded, such as 0:6,7:14 (default: the robot’s)')
    .option('--horizon <n>', 'steps of a chunk (default: the robot’s)', positive)
    .option('--max-chunks <n>', 'chunks to take at most, drawn evenly', positive, 200_000)
    .option('--max-tokens <n>', 'ids that training keeps of a chunk', positive, FAST_MAX_TOKENS)
    .option('--seed <text>', 'of the draw', '0')
    .option('--json', 'print one JSON object on stdout', false)
    .option('--quiet', 'no progress on stderr', false);
}

const robotOf = async ({ robot }: Common): Promise<RobotRecord | undefined> =>
  robot === undefined ? undefined : robotRecord(await chosenRobot(robot));

const sourceOf = async (folders: readonly string[], options: Common) => {
  const { horizon, maxChunks, seed } = options;
  return { folders, robot: await robotOf(options), choice: await dataChoice(options), horizon, maxChunks, seed };
};

async function fit(
  folders: string[],
  options: Common & { out: string; assetId?: string; vocabSize: number; scale: number },
): Promise<void> {
  await requireOutput(options.out, { kind: 'folder' });
  const job: FitJob = {
    source: await sourceOf(folders, options),
    stats: options.stats,
    columns: options.columns,
    scale: options.scale,
    vocabSize: options.vocabSize,
    maxTokens: options.maxTokens,
    out: await folderFor(options.out, options.assetId),
  };
  const report = await inWorker<FitReport>('fit', job, options.quiet);
  for (const warning of report.warnings) process.stderr.write(`warning: ${warning}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(`${described(report)}fitted in ${duration(report.seconds)} → ${report.out}\n`);
}

/** A checkpoint keeps its vocabulary in its assets; any other folder holds the files itself. */
async function folderFor(out: string, assetId: string | undefined): Promise<string> {
  const inside = (id: string) => join(out, 'assets', id, 'fast_tokenizer');
  if (assetId !== undefined) return inside(assetId);
  if (!existsSync(join(out, 'params.safetensors'))) return out;
  // Loaded here: the door of training brings the runtime along, which the worker has, and help does not need.
  const { assetIds, ownAssetId } = await import('../train/index.ts');
  const own = ownAssetId(out);
  if (own !== undefined) return inside(own);
  const ids = assetIds(out);
  if (ids.length !== 1)
    throw new InputError(
      out,
      `is a checkpoint with ${ids.length} assets${ids.length > 0 ? ` (${ids.join(', ')})` : ''}. Choose one with ` +
        '--asset-id.',
    );
  return inside(present(ids[0], 'ids[0]'));
}

async function check(dir: string, options: Common & { data?: string[] }, command: Command): Promise<void> {
  if (options.data === undefined) refuseIdle(command, DATA_OPTIONS, 'without --data');
  const job: CheckJob = {
    dir,
    source: options.data && (await sourceOf(options.data, options)),
    robot: await robotOf(options),
    horizon: options.horizon,
    stats: options.stats,
    columns: options.columns,
    maxTokens: options.maxTokens,
  };
  const report = await inWorker<CheckReport>('check', job, options.quiet);
  const ok = report.failed.count === 0;
  for (const warning of report.warnings) process.stderr.write(`warning: ${warning}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify({ ok, ...report })}\n`);
  else process.stdout.write(`${report.data}\n${described(report)}`);
  if (!ok) process.exitCode = 1;
}

async function inWorker<T>(method: string, job: FitJob | CheckJob, silent: boolean): Promise<T> {
  const client = WorkerClient.start('train/tokenizer/tokenizer.worker');
  let bar: { phase: string; progress: Progress } | undefined;
  client.onMessage = (message) => {
    const { progress } = message as { progress?: [string, number, number, string] };
    if (!progress) return;
    const [phase, done, total, unit] = progress;
    if (bar?.phase !== phase) {
      bar?.progress.end();
      bar = { phase, progress: new Progress(phase, total, { unit, silent }) };
    }
    bar.progress.at(done);
  };
  try {
    return await client.call<T>(method, job);
  } finally {
    bar?.progress.end();
    await client.close();
  }
}

/** The report for a person: sizes, a histogram of lengths, the error of each dimension. */
function described(report: FitReport | CheckReport): string {
  const { vocabulary: v, tokens, cut, failed, error, histogram } = report;
  const number = (x: number) => Number(x.toPrecision(3));
  const most = Math.max(...histogram.counts, 1);
  const bars = histogram.counts.map((count, i) => {
    const [from, to] = [histogram.from + i * histogram.step, histogram.from + (i + 1) * histogram.step - 1];
    const label = histogram.step === 1 ? `${from}` : `${from}–${to}`;
    return `  ${label.padStart(9)} ${'█'.repeat(Math.ceil((40 * count) / most))} ${count}`;
  });
  const dimensions = error.dimensions.map(
    ({ mean, max }, d) => `  ${String(d).padStart(9)} mean ${number(mean)}, max ${number(max)}`,
  );
  return [
    `vocabulary: ${v.symbols} symbols, ${v.merges} merges, scale ${v.scale}, coefficients from ${v.minToken}, ` +
      `chunks ${v.horizon ?? '?'}×${v.width ?? '?'}`,
    `${report.chunks} chunks: ${number(tokens.mean)} ids on average (median ${tokens.median}, 99 % ≤ ` +
      `${tokens.p99}, ${tokens.min}–${tokens.max}), ${number(report.compression)} numbers per id`,
    ...bars,
    `longer than ${cut.maxTokens} ids, cut in training: ${number(100 * cut.share)} %`,
    `do not decode: ${failed.count}${failed.reason ? ` (${failed.reason})` : ''}`,
    `error in the encoded units: mean ${number(error.mean)}, max ${number(error.max)}; by column of the action:`,
    ...dimensions,
    '',
  ].join('\n');
}
