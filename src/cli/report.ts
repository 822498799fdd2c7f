import { Command, InvalidArgumentError } from 'commander';
import { qTable, REPORT_FORMS, type ReportForm, readEvaluation, writeReport } from '../evaluate/index.ts';

interface Options {
  format: ReportForm[];
  whole: boolean;
  json: boolean;
}

export function command(): Command {
  return new Command('report')
    .description('table, figure and page of an evaluation folder')
    .argument('<dir>', 'evaluation folder')
    .option('--format <forms>', `which files are written: ${REPORT_FORMS.join(', ')}, or several with commas`, forms, [
      'html',
    ])
    .option('--whole', 'every recording within the page, however large it becomes', false)
    .option('--json', 'print one JSON object on stdout', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet eval --policy expert --instances 0-2 --out out/expert && valet report out/expert' +
        '\n  $ valet report out/expert --format html,md,csv',
    )
    .action(async (folder: string, { json, whole, format }: Options) => {
      const { summary, baselines } = await readEvaluation(folder);
      const page = await writeReport(folder, { whole, forms: format });
      const others = Object.fromEntries(Object.entries(baselines).map(([name, theirs]) => [name, theirs.summary]));
      const some = Object.keys(others).length > 0;
      if (json)
        process.stdout.write(
          `${JSON.stringify({ ...summary, ...(some && { baselines: others }), out: folder, page })}\n`,
        );
      else process.stdout.write(`${qTable(summary, others)}\n${page}\n`);
      if (summary.episodes === 0) process.exitCode = 1;
    });
}

function forms(text: string): ReportForm[] {
  const named = text.split(',').map((form) => form.trim());
  const unknown = named.find((form) => !(REPORT_FORMS as readonly string[]).includes(form));
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${REPORT_FORMS.join(', ')}.`);
  return [...new Set(named)] as ReportForm[];
}
