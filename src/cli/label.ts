import { userInfo } from 'node:os';
import { Command } from 'commander';
import { Progress } from '../base/index.ts';
import {
  byRule,
  counted,
  countLabels,
  failures,
  labelByRules,
  labelTable,
  parseLabels,
  readLabelFile,
  readRecords,
  ruleAgreement,
  unitName,
  unitsOfLedger,
  withStages,
  writeLabels,
  writeReport,
} from '../evaluate/index.ts';

interface Options {
  set?: string[];
  from?: string;
  by: string;
  report: boolean;
  json: boolean;
  quiet: boolean;
}

export function command(): Command {
  return new Command('label')
    .description('why episodes failed: by rules from their recordings, or by a person')
    .argument('<dir>', 'evaluation folder')
    .option(
      '--set <labels...>',
      "a person's labels, UNIT=LABEL or UNIT=LABEL@STEP+LABEL; they replace that person's earlier ones",
    )
    .option('--from <file>', "a person's labels as a table: CSV with unit, labels (A+B), reason")
    .option('--by <name>', 'who says so', userInfo().username)
    .option('--no-report', 'leave report.html as it is')
    .option('--json', 'print one JSON object on stdout', false)
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet label result' +
        '\n  $ valet label result --set turning_on_radio_0_0=search+stuck --by anna' +
        '\n  $ valet report result --format csv && valet label result --from result/episodes.csv --by anna',
    )
    .action(run);
}

async function run(folder: string, { set, from, by, report, json, quiet }: Options): Promise<void> {
  const { lines } = await readRecords(folder);
  const units = unitsOfLedger(lines);
  let labels: Awaited<ReturnType<typeof writeLabels>>;
  if (set || from !== undefined) {
    const given = (set ?? []).flatMap((text) => parseLabels(text, by, units));
    const listed = from === undefined ? [] : await readLabelFile(from, by, units);
    const own = withStages(folder, [...given, ...listed]);
    const named = new Set(own.map(({ unit }) => unit));
    const done = counted(lines).filter((line) => line.success && named.has(unitName(line)));
    for (const line of done) process.stderr.write(`${unitName(line)} was done; its labels count all the same.\n`);
    labels = await writeLabels(folder, own, (label) => label.by === by && named.has(label.unit));
  } else {
    const progress = new Progress('labelling', failures(lines).length, { unit: 'episodes', silent: quiet });
    const found = await labelByRules(folder, lines, () => progress.add());
    progress.end();
    if (found.unread.length > 0)
      process.stderr.write(`without a recording that can be read, and not labelled: ${found.unread.join(', ')}\n`);
    labels = await writeLabels(folder, found.labels, byRule);
  }
  const page = report ? await writeReport(folder) : undefined;
  const counts = countLabels(labels, lines);
  const agreement = ruleAgreement(labels);
  if (json) process.stdout.write(`${JSON.stringify({ labels: counts, agreement, out: folder })}\n`);
  else process.stdout.write(`${labelTable(counts, agreement)}\n${page ?? folder}\n`);
}
