import { Command, Option } from 'commander';
import { EDITIONS, ingestOfficial, qTable, readEvaluation, writeReport, type Year } from '../evaluate/index.ts';

interface Options {
  out: string;
  year?: Year;
  label?: string;
  report: boolean;
  json: boolean;
}

/** `valet eval ingest`. */
export function ingestCommand(): Command {
  return new Command('ingest')
    .description('take official results in: the folder that the official evaluator wrote becomes an evaluation folder')
    .argument('<source>', "the evaluator's folder, a submission's, or a JSON file with a list of scores for each task")
    .requiredOption('--out <dir>', 'evaluation folder to make')
    .addOption(new Option('--year <year>', "whose rules count (the files' own)").choices(Object.keys(EDITIONS)))
    .option('--label <text>', "title for tables and pages (the team's, or the folder's name)")
    .option('--no-report', 'write no report.html')
    .option('--json', 'print one JSON object on stdout', false)
    .addHelpText('after', '\nExample:\n  $ valet eval ingest results --out out/official && valet report out/official')
    .action(async (source: string, { out, year, label, report, json }: Options) => {
      const { findings, rollouts, videos } = await ingestOfficial(source, out, { year, label });
      const { problems, notes } = findings;
      for (const { where, message } of [...problems, ...notes]) process.stderr.write(`${where}: ${message}\n`);
      const page = report ? await writeReport(out) : undefined;
      const { summary } = await readEvaluation(out);
      if (json) process.stdout.write(`${JSON.stringify({ ...summary, out, videos, problems, notes })}\n`);
      else process.stdout.write(`${qTable(summary)}\n${rollouts} rollouts, ${videos} films: ${page ?? out}\n`);
    });
}
