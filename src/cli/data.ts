import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { InputError, jsonText, Progress, requireOutput, writeFileAside } from '../base/index.ts';
import {
  checkDataset,
  type FitReference,
  type FitRow,
  isAddress,
  isOff,
  proposeRobot,
  referenceOf,
  setReference,
} from '../data/index.ts';
import { alignedTable } from '../evaluate/index.ts';
import { robotRecord } from '../robot/index.ts';
import { addEdit } from './dataEdit.ts';
import { addShow } from './dataShow.ts';
import { addDataOptions, type DataOptionValues, dataChoice, tellNotes } from './shared/dataOptions.ts';
import { robotOption } from './shared/robot.ts';
import { statisticsOf } from './shared/statisticsOf.ts';

interface CheckValues extends DataOptionValues {
  readonly robot?: string;
  readonly endsOnly?: boolean;
  readonly against?: string;
  readonly json?: boolean;
}

/** `valet data check | show | robot | select | convert | merge | split` */
export function command(): Command {
  const data = new Command('data')
    .description('check, show, edit and convert data sets, propose a robot')
    .addHelpText('after', '\nExample:\n  $ valet data check demos');
  const check = data
    .command('check')
    .description('read a whole LeRobot v2.0, v2.1 or v3.0 data set and name every file that is wrong')
    .argument('<dir>', "the data set's folder")
    .option('--robot <name|file>', 'whose data they are (default: as the data set says)');
  addDataOptions(check)
    .option('--ends-only', 'decode the first and last picture of each video only (quick, and sees less)')
    .option('--against <place>', 'how its numbers fit: a data set, a checkpoint, or a folder with norm_stats.json')
    .option('--json', 'print the result as one JSON value')
    .addHelpText(
      'after',
      '\nExample:\n  $ valet data check demos\n  $ valet data check demos --against policies/household',
    )
    .action(async (dir: string, options: CheckValues) => {
      await requireFolder(dir);
      const reference = options.against === undefined ? undefined : await referenceAt(options.against, options);
      let bar: Progress | undefined;
      const result = await checkDataset(dir, {
        ...(await robotOption(options)),
        choice: await dataChoice(options),
        endsOnly: options.endsOnly ?? false,
        reference,
        progress(done, total) {
          bar ??= new Progress('checking', total, { unit: 'episodes' });
          bar.at(done);
        },
      });
      bar?.end();
      if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
      else {
        for (const { code, where, message } of result.problems)
          process.stdout.write(`${where}: ${message} [${code}]\n`);
        const size = `${result.format ?? 'unreadable'}, ${result.episodes} episodes, ${result.frames} frames`;
        if (result.fit) process.stdout.write(fitTable(result.fit, options.against ?? ''));
        tellNotes((result.notes ?? []).map(({ where, message }) => `${where}: ${message}`));
        process.stdout.write(`${dir}: ${size}: ${result.ok ? 'all right' : `${result.problems.length} problems`}\n`);
      }
      if (!result.ok) process.exitCode = 1;
    });
  addShow(data);
  data
    .command('robot')
    .description("propose a robot from the names in a data set's metadata, to be checked by a person")
    .argument('<dir>', "the data set's folder")
    .requiredOption('--out <file>', 'robot.json to write')
    .option('--json', 'print the robot and what was guessed as one JSON value')
    .addHelpText('after', '\nExample:\n  $ valet data robot demos --out robot.json')
    .action(async (dir: string, options: { out: string; json?: boolean }) => {
      await requireFolder(dir);
      await requireOutput(options.out, { kind: 'file' });
      const { robot, guesses } = await proposeRobot(dir);
      await writeFileAside(options.out, jsonText(robotRecord(robot)));
      if (options.json)
        process.stdout.write(`${JSON.stringify({ robot: robotRecord(robot), guesses, out: options.out })}\n`);
      else {
        for (const guess of guesses) process.stdout.write(`check: ${guess}\n`);
        process.stdout.write(
          `${options.out}: ${robot.name}, ${robot.width} actions, ${robot.cameras.length} cameras\n`,
        );
      }
    });
  addEdit(data);
  return data;
}

/** A data set, or what has statistics. */
async function referenceAt(place: string, options: CheckValues): Promise<FitReference> {
  const isSet = isAddress(place) || existsSync(join(place, 'meta', 'info.json'));
  if (!isSet) return referenceOf((await statisticsOf(place)).stats);
  let bar: Progress | undefined;
  const progress = (done: number, total: number) => {
    bar ??= new Progress(`reading ${place}`, total, { unit: 'episodes' });
    bar.at(done);
  };
  const { cameras, taskMap } = await dataChoice(options);
  const reference = await setReference(place, {
    ...(await robotOption(options)),
    choice: { cameras, taskMap },
    progress,
  });
  bar?.end();
  return reference;
}

/** Dimensions that a person is shown. */
const SHOWN_ROWS = 12;

/** How a set fits another, the worst dimensions first. */
function fitTable(rows: readonly FitRow[], place: string): string {
  const off = rows.filter(isOff).length;
  const cells = rows
    .slice(0, Math.max(3, Math.min(off, SHOWN_ROWS)))
    .map(({ of, name, ...row }) => [
      `${of} ${name}`,
      ...[row.shift, row.spread, row.farthest].map((value) => value.toFixed(2)),
      isOff({ of, name, ...row }) ? 'off' : '',
    ]);
  const head = ['dimension', 'shift', 'spread', 'farthest', ''];
  const sum =
    `${off} of ${rows.length} dimensions lie elsewhere than in ${place} ` +
    '(shift of a deviation or more, spread a third or three times).';
  return `${alignedTable(head, cells)}\n${sum}\n`;
}

/** @throws InputError when there is no such folder; what is wrong inside one is for the check to say */
async function requireFolder(dir: string): Promise<void> {
  if (isAddress(dir)) return;
  const found = await stat(dir).catch(() => undefined);
  if (!found?.isDirectory())
    throw new InputError(dir, `${found ? 'is not a folder' : 'does not exist'}. Give the folder of a data set.`);
}
