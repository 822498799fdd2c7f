import { Command } from 'commander';
import {
  compareLedgers,
  compareTable,
  notices,
  readRecords,
  refuseHiddenChoice,
  requireComparable,
} from '../evaluate/index.ts';

export function command(): Command {
  return new Command('compare')
    .description('paired statistics of two evaluations: how much better B is than A')
    .argument('<a>', 'evaluation folder')
    .argument('<b>', 'evaluation folder')
    .option('--seed <text>', "seed of the permutation test's draws", '0')
    .option('--final', 'the choice is made: hidden instances may be compared', false)
    .option('--json', 'print one JSON object on stdout', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ valet eval --policy hold --instances 0-4 --out out/hold' +
        '\n  $ valet eval --policy expert --instances 0-4 --out out/expert' +
        '\n  $ valet compare out/hold out/expert',
    )
    .action(async (a: string, b: string, { seed, final, json }: { seed: string; final: boolean; json: boolean }) => {
      const [mine, theirs] = [await readRecords(a), await readRecords(b)];
      requireComparable({ folder: a, run: mine.run }, { folder: b, run: theirs.run });
      for (const notice of notices(mine.run, theirs.run)) process.stderr.write(`${notice}\n`);
      if (!final) refuseHiddenChoice(mine.lines, theirs.lines);
      const comparison = compareLedgers(mine.lines, theirs.lines, seed);
      const { onlyA, onlyB } = comparison;
      if (onlyA.length + onlyB.length > 0)
        process.stderr.write(
          `Left out, since the other side lacks them: ${onlyA.length} of A, ${onlyB.length} of B.\n`,
        );
      process.stdout.write(`${json ? JSON.stringify(comparison) : compareTable(comparison, a, b)}\n`);
    });
}
