import { Command } from 'commander';
import { qTable, readEvaluation, writeReport } from '../evaluate/index.ts';

export function command(): Command {
  return new Command('report')
    .description('table, figure and page of an evaluation folder')
    .argument('<dir>', 'evaluation folder')
    .option('--whole', 'every recording within the page, however large it becomes', false)
    .option('--json', 'print one JSON object on stdout', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ valet eval --policy expert --instances 0-2 --out out/expert && valet report out/expert',
    )
    .action(async (folder: string, { json, whole }: { json: boolean; whole: boolean }) => {
      const { summary, baselines } = await readEvaluation(folder);
      const page = await writeReport(folder, { whole });
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
