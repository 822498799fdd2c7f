import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { InputError } from '../base/index.ts';
import {
  isTrainingFolder,
  qTable,
  REPORT_FORMS,
  type ReportForm,
  readEvaluation,
  writeCurves,
  writeReport,
} from '../evaluate/index.ts';
import { filmProgress, VIDEO_HELP } from './shared/films.ts';
import { refuseIdle } from './shared/given.ts';

interface Options {
  format: ReportForm[];
  out?: string;
  whole: boolean;
  video: boolean;
  beside?: string;
  json: boolean;
}

export function command(): Command {
  return new Command('report')
    .description('table, figure and page of an evaluation folder; curves of training folders over each other')
    .argument('<dirs...>', 'one evaluation folder, or one or more training folders')
    .option('--format <forms>', `which files are written: ${REPORT_FORMS.join(', ')}, or several with commas`, forms, [
      'html',
    ])
    .option('--out <file>', 'where the page of training folders is written (report.html in the first one)')
    .option('--whole', 'every recording within the page, however large it becomes', false)
    .option('--video', VIDEO_HELP, false)
    .option('--beside <dir>', 'another evaluation, whose rollouts of the same scenes can be watched in step')
    .option('--json', 'print one JSON object on stdout', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet eval --policy expert --instances 0-2 --out out/expert && valet report out/expert' +
        '\n  $ valet report out/expert --format html,md,csv' +
        '\n  $ valet report out/expert --video' +
        '\n  $ valet report out/first out/second --out curves.html',
    )
    .action(run);
}

async function run(folders: string[], options: Options, command: Command): Promise<void> {
  const absent = folders.find((name) => !existsSync(name));
  if (absent !== undefined && folders.length > 1)
    throw new InputError('report', `there is no folder ${absent}. Name training folders, or one evaluation folder.`);
  const training = await Promise.all(folders.map(isTrainingFolder));
  if (training.every(Boolean)) {
    refuseIdle(command, ['format', 'whole', 'video', 'beside'], 'with training folders');
    return reportTraining(folders, options);
  }
  const [folder = '', second] = folders;
  if (training.includes(true)) {
    const other = folders[training.indexOf(false)];
    throw new InputError(
      'report',
      `${folders[training.indexOf(true)]} is a training folder and ${other} is none. Name training folders alone, or ` +
        'one evaluation folder.',
    );
  }
  if (second !== undefined)
    throw new InputError(
      'report',
      `makes the page of one evaluation (got ${folders.length} folders). valet compare A B compares two of them.`,
    );
  refuseIdle(command, ['out'], `with an evaluation folder: its page is ${join(folder, 'report.html')}`);
  if (!options.format.includes('html')) refuseIdle(command, ['whole', 'video', 'beside'], 'without the form html');
  await reportEvaluation(folder, options);
}

async function reportTraining(folders: string[], { out, json }: Options): Promise<void> {
  const summary = await writeCurves(folders, out);
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    const rows = summary.runs.map(
      ({ name, step, steps, loss }) => `${name}: ${step} of ${steps} updates, loss ${loss.toPrecision(3)}\n`,
    );
    process.stdout.write(`${rows.join('')}${summary.page}\n`);
  }
}

async function reportEvaluation(folder: string, { json, whole, format, video, beside }: Options): Promise<void> {
  const { summary, baselines } = await readEvaluation(folder);
  const page = await writeReport(folder, { whole, forms: format, films: video, beside, progress: filmProgress(json) });
  const others = Object.fromEntries(Object.entries(baselines).map(([name, theirs]) => [name, theirs.summary]));
  const some = Object.keys(others).length > 0;
  if (json)
    process.stdout.write(`${JSON.stringify({ ...summary, ...(some && { baselines: others }), out: folder, page })}\n`);
  else process.stdout.write(`${qTable(summary, others)}\n${page}\n`);
  if (summary.episodes === 0) process.exitCode = 1;
}

function forms(text: string): ReportForm[] {
  const named = text.split(',').map((form) => form.trim());
  const unknown = named.find((form) => !(REPORT_FORMS as readonly string[]).includes(form));
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${REPORT_FORMS.join(', ')}.`);
  return [...new Set(named)] as ReportForm[];
}
