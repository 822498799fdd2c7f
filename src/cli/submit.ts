import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { InputError } from '../base/index.ts';
import {
  EDITIONS,
  type JudgedFolder,
  judgeOfficial,
  leaderboardTable,
  ranking,
  rankingTable,
  requireOfficial,
  runNotes,
  type SubmissionName,
  writeSubmission,
  type Year,
} from '../evaluate/index.ts';
import { refuseIdle, requireGiven } from './shared/given.ts';

interface Options extends Partial<SubmissionName> {
  year?: Year;
  out?: string;
  check: boolean;
  rank: boolean;
  notes?: string;
  with?: string[];
  json: boolean;
}

const NAMED = ['track', 'testset', 'team', 'affiliation', 'date'];
const WRITTEN = ['out', 'notes', 'with', 'track', 'team', 'affiliation', 'date'];

export function command(): Command {
  return new Command('submit')
    .description("the challenge's submission folder and zip, checked; scores as the challenge computes them")
    .argument('<dirs...>', "folders of the official evaluator's results (json/<task>_<instance>_<rollout>.json)")
    .addOption(new Option('--year <year>', "whose rules count (the folder's own)").choices(Object.keys(EDITIONS)))
    .addOption(new Option('--testset <set>', 'which instances (2026)').choices(['public', 'hidden']))
    .option('--check', 'look at the folder and its scores; write nothing', false)
    .option('--rank', 'the order of several folders, as the leaderboard has it', false)
    .optionsGroup('The submission:')
    .option('--track <track>', 'standard or privileged')
    .option('--team <name>', 'team')
    .option('--affiliation <name>', 'affiliation')
    .option('--date <day>', 'day, such as 2026-10-08')
    .option('--out <file>', 'the zip to write; the folder appears beside it')
    .option('--notes <file>', 'your own words for RUN_NOTES.md')
    .option('--with <files...>', 'other files for it: wrapper, robot configuration, README')
    .optionsGroup('Output:')
    .option('--json', 'print one JSON object on stdout', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet submit results --check' +
        '\n  $ valet submit results --track standard --team Us --affiliation Lab --date 2026-10-08 --out my.zip' +
        '\n  $ valet submit standard.Team_A.Lab.2025-11-15 standard.Team_B.Lab.2025-11-15 --rank',
    )
    .action(run);
}

async function judge(dir: string, { year, testset, check }: Options): Promise<JudgedFolder> {
  await requireOfficial(dir);
  const { findings, misnamed, ...judged } = await judgeOfficial(dir, { year, testset });
  const more = misnamed ? [misnamed] : [];
  const problems = [...(check ? more : []), ...findings.problems];
  const notes = [...(check ? [] : more), ...findings.notes];
  return { ...judged, findings: { problems, notes }, misnamed };
}

async function run(dirs: string[], options: Options, command: Command): Promise<void> {
  const { check, rank, json } = options;
  if (check && rank) throw new InputError('valet submit', '--check and --rank exclude each other. Name one of them.');
  if (check || rank) refuseIdle(command, WRITTEN, check ? 'with --check' : 'with --rank');
  if (dirs.length > 1 && !rank)
    throw new InputError('valet submit', `takes one folder (got ${dirs.length}); several are for --rank.`);
  const judged = await Promise.all(dirs.map((dir) => judge(dir, options)));
  if (rank) return printRanking(judged, dirs, json);
  const [one] = judged as [JudgedFolder];
  const ok = one.findings.problems.length === 0;
  report(one, json, check ? {} : undefined);
  if (check || !ok) {
    if (!ok) process.exitCode = 1;
    if (!ok && !check)
      throw new InputError(
        dirs[0] as string,
        `has ${one.findings.problems.length} problems, told above. Mend them first.`,
      );
    return;
  }
  await write(one, options, command, json);
}

async function write(one: JudgedFolder, options: Options, command: Command, json: boolean): Promise<void> {
  const { official, edition, findings, scores, named, testset } = one;
  const known = { ...named, ...(testset && { testset }) } as Partial<SubmissionName>;
  const given = Object.fromEntries(
    NAMED.map((key) => [key, options[key as keyof SubmissionName] ?? known[key as keyof SubmissionName]]),
  );
  requireGiven(command, ['out', ...edition.nameFields.filter((field) => given[field] === undefined)]);
  const own = options.notes === undefined ? '' : await readFile(options.notes, 'utf8');
  const written = await writeSubmission(options.out as string, {
    name: given as unknown as SubmissionName,
    edition,
    files: official.files,
    notes: runNotes(scores, findings, edition, own),
    ...(options.with && { beside: options.with }),
  });
  if (json) report(one, true, { folder: written, zip: options.out });
  else process.stdout.write(`${written}\n${options.out}\n`);
}

/** The table on stdout, findings on stderr; with `--json` one object, once what goes with it is known. */
function report({ findings, scores, edition, testset }: JudgedFolder, json: boolean, more?: object): void {
  const { problems, notes } = findings;
  if (json) {
    if (!more && problems.length === 0) return;
    const all = { ok: problems.length === 0, year: edition.year, testset, problems, notes, ...scores, ...more };
    process.stdout.write(`${JSON.stringify(all)}\n`);
    return;
  }
  process.stdout.write(`${leaderboardTable(scores, edition)}\n`);
  for (const { where, message } of problems) process.stderr.write(`problem: ${where}: ${message}\n`);
  for (const { where, message } of notes) process.stderr.write(`note: ${where}: ${message}\n`);
}

function printRanking(judged: readonly JudgedFolder[], dirs: readonly string[], json: boolean): void {
  const kinds = [...new Set(judged.map(({ edition, testset }) => `${edition.year} ${testset ?? ''}`.trim()))];
  if (kinds.length > 1)
    throw new InputError(
      'valet submit --rank',
      `the folders are of different tests (${kinds.join(', ')}). Rank one test.`,
    );
  const ranked = ranking(
    judged.map(({ named, scores }, i) => ({
      name: named?.team.replaceAll('_', ' ') ?? basename(resolve(dirs[i] as string)),
      overall: scores.overall,
    })),
  );
  for (const [i, { findings }] of judged.entries())
    if (findings.problems.length > 0)
      process.stderr.write(`${dirs[i]}: ${findings.problems.length} problems; see valet submit ${dirs[i]} --check\n`);
  process.stdout.write(`${json ? JSON.stringify(ranked) : rankingTable(ranked)}\n`);
}
