import { Command } from 'commander';
import {
  compareLedgers,
  compareTable,
  notices,
  playUntilDecided,
  readRecords,
  refuseHiddenChoice,
  requireComparable,
  requireSameSelection,
  sequentialLine,
} from '../evaluate/index.ts';
import { readKeyFile } from '../serve/index.ts';
import { refuseIdle } from './shared/given.ts';
import { atLeastZero, positive } from './shared/numbers.ts';
import { addWaitOption, waiting } from './shared/waiting.ts';

interface Options {
  seed: string;
  final: boolean;
  otherSelection: boolean;
  untilDecided: boolean;
  limit: number;
  margin: number;
  workers: number;
  apiKeyFile?: string;
  wait?: number;
  quiet: boolean;
  json: boolean;
}

export function command(): Command {
  const compare = new Command('compare')
    .description('paired statistics of two evaluations: how much better B is than A')
    .argument('<a>', 'evaluation folder')
    .argument('<b>', 'evaluation folder')
    .option('--seed <text>', "seed of the permutation test's draws", '0')
    .option('--final', 'the choice is made: hidden instances may be compared', false)
    .option('--other-selection', 'the checkpoints may have been chosen by different rules', false)
    .optionsGroup('Going on:')
    .option('--until-decided', 'play more instances of both until it is clear which is better', false)
    .option('--limit <n>', 'instances of each task at most', positive, 200)
    .option('--margin <q>', 'a difference that does not matter: "alike" decides too', atLeastZero, 0)
    .option('--workers <n>', 'threads, each with episodes of its own', positive, 2)
    .option('--api-key-file <file>', 'key for the servers');
  return addWaitOption(compare)
    .option('--quiet', 'no progress on stderr', false)
    .optionsGroup('Output:')
    .option('--json', 'print one JSON object on stdout', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet eval --policy hold --instances 0-4 --out out/hold' +
        '\n  $ valet eval --policy expert --instances 0-4 --out out/expert' +
        '\n  $ valet compare out/hold out/expert' +
        '\n  $ valet compare out/hold out/expert --until-decided --limit 50',
    )
    .action(run);
}

/** What concerns playing on alone. */
const GOING_ON = ['limit', 'margin', 'workers', 'apiKeyFile', 'wait', 'quiet'];

async function run(a: string, b: string, options: Options, command: Command): Promise<void> {
  const { seed, final, otherSelection, untilDecided, json } = options;
  if (!untilDecided) refuseIdle(command, GOING_ON, 'without --until-decided');
  const before = await readBoth(a, b);
  const named = [
    { folder: a, run: before.mine.run },
    { folder: b, run: before.theirs.run },
  ] as const;
  requireComparable(...named);
  if (!otherSelection) requireSameSelection(...named);
  for (const notice of notices(before.mine.run, before.theirs.run)) process.stderr.write(`${notice}\n`);
  if (!final) refuseHiddenChoice(before.mine.lines, before.theirs.lines);
  const decided = untilDecided ? await playOn(a, b, options) : undefined;
  const { mine, theirs } = decided ? await readBoth(a, b) : before;
  const comparison = compareLedgers(mine.lines, theirs.lines, seed);
  const { onlyA, onlyB } = comparison;
  if (onlyA.length + onlyB.length > 0)
    process.stderr.write(`Left out, since the other side lacks them: ${onlyA.length} of A, ${onlyB.length} of B.\n`);
  if (json) process.stdout.write(`${JSON.stringify({ ...comparison, ...(decided && { sequential: decided }) })}\n`);
  else {
    const more = decided
      ? `${sequentialLine(decided)}\np and intervals of the table hold for a study of a size that was fixed before.\n`
      : '';
    process.stdout.write(`${compareTable(comparison, a, b)}\n${more}`);
  }
}

const readBoth = async (a: string, b: string) => ({ mine: await readRecords(a), theirs: await readRecords(b) });

async function playOn(a: string, b: string, options: Options) {
  const { limit, margin, workers, apiKeyFile, quiet } = options;
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const say = (line: string) => void (quiet || process.stderr.write(`${line}\n`));
  return playUntilDecided({
    ...{ a, b, limit, margin, workers, silent: quiet, signal: stop.signal, ...waiting(options) },
    ...(apiKeyFile !== undefined && { apiKey: await readKeyFile(apiKeyFile) }),
    onNotice: say,
    onPairs: (known) => say(sequentialLine(known)),
  });
}
