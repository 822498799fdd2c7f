import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { duration, InputError, requireOutput, writeFileAside } from '../base/index.ts';
import { openDataset, selectEpisodes, writeSet } from '../data/index.ts';
import {
  expertFilm,
  expertSheet,
  groundGoal,
  HOME_TASKS,
  homeTask,
  makeDemonstrations,
  timeLimit,
} from '../home/index.ts';
import { homeAudit } from './homeAudit.ts';
import { homeServe } from './homeServe.ts';
import { checkedCheckpoint } from './shared/chosenCheckpoint.ts';
import { refuseIdle } from './shared/given.ts';
import { interruptible } from './shared/interruptible.ts';
import { aboveZero, positive, share, whole } from './shared/numbers.ts';
import { addStatisticsOption } from './shared/otherStatistics.ts';
import { homeTasks } from './shared/tasks.ts';

export function command(): Command {
  const home = new Command('home').description(
    'the embedded household: tasks, demonstrations, an episode to look at, audit, Gymnasium',
  );
  home.addHelpText('after', '\nExample:\n  $ valet home tasks');
  home
    .command('tasks')
    .description('the household tasks')
    .option('--json', 'print one JSON array on stdout', false)
    .addHelpText('after', '\nExample:\n  $ valet home tasks')
    .action(tasks);
  addStatisticsOption(home.command('demos'))
    .description('expert demonstrations as a LeRobot data set')
    .requiredOption('--tasks <names>', 'task names, separated by commas', homeTasks)
    .requiredOption('--episodes <n>', 'episodes of each task', positive)
    .requiredOption('--out <dir>', 'folder of the data set')
    .option('--seed <n>', 'which scenes: other seeds, other scenes', whole, 0)
    .option('--clip <seconds>', 'keep only a random window of each scene: many scenes at low cost', aboveZero)
    .option(
      '--disturb <share>',
      'share of the windows before which the robot is pushed off its way (default 0.4)',
      share,
    )
    .option('--cameras, --image-size <pixels>', 'side of the camera pictures', positive, 64)
    .option(
      '--pictures-every <n>',
      'draw every n-th picture alone, for a training whose frameStride is a multiple of n: twice as fast',
      positive,
    )
    .option('--workers <n>', 'threads', positive, 2)
    .option('--correct <checkpoint>', "this policy drives; the expert's corrections of it are the episodes")
    .option('--late <share>', 'with --correct: share of the scenes that begin at some later moment (0)', share)
    .option(
      '--until <seconds>',
      'with --clip or --correct: windows begin in the first so many seconds of a scene, such as what a task shows',
      aboveZero,
    )
    .option('--resume', 'go on with the unfinished data set beside --out', false)
    .addOption(new Option('--format <version>', 'of LeRobot').choices(['v2.1', 'v3.0']).default('v2.1'))
    .option('--json', 'print one JSON object on stdout', false)
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet home demos --tasks turning_on_radio,picking_up_trash --episodes 50 --out demos' +
        '\n  $ valet home demos --tasks picking_up_trash --episodes 3000 --clip 2.5 --out clips --seed 1' +
        '\n  $ valet home demos --tasks picking_up_trash --episodes 800 --correct run/checkpoints/latest ' +
        '--out corrections\n\nCtrl-C keeps what is done in OUT.part and ends with exit code 130; --resume goes on, ' +
        'to the same data set.',
    )
    .action(demos);
  home
    .command('watch')
    .description('one episode of the expert as a sheet of pictures (room and cameras over time), or as a film')
    .argument('<task>', 'task name')
    .requiredOption(
      '--out <file>',
      'FILE.png or FILE.jpg is a sheet; FILE.mp4 a film of room and head camera, at twice the speed',
    )
    .option('--instance <n>', 'instance number', whole, 0)
    .option('--moments <n>', 'rows of the sheet, 2 to 40', positive, 6)
    .option('--cameras, --size <pixels>', "side of the robot's pictures (default 64, 224 in a film)", positive)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet home watch picking_up_trash --out trash.png' +
        '\n  $ valet home watch make_microwave_popcorn --out popcorn.mp4',
    )
    .action(watch);
  home.addCommand(homeAudit()).addCommand(homeServe());
  return home;
}

function tasks({ json }: { json: boolean }): void {
  const rows = HOME_TASKS.map((task) => ({
    id: task.id,
    name: task.name,
    instruction: task.instruction,
    stages: task.numStages,
    skills: task.skills,
    subGoals: task.goal ? groundGoal(task.goal, () => false).literals.map(({ text }) => text) : [],
    meanExpertSteps: task.meanExpertSteps,
    maxSteps: timeLimit(task, '2025'),
    maxSteps2026: timeLimit(task, '2026'),
    expert: task.expertMeasured,
    ...(task.chance !== undefined && { chance: task.chance }),
  }));
  if (json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else
    for (const row of rows)
      process.stdout.write(
        `${row.name} (task ${row.id}, ${row.stages} stages, time-out ${row.maxSteps} steps` +
          `${row.expert ? `, expert ${row.expert.successes} of ${row.expert.episodes}` : ''})\n  ${row.instruction}\n`,
      );
}

interface DemoFlags {
  tasks: string[];
  episodes: number;
  out: string;
  seed: number;
  clip?: number;
  disturb?: number;
  late?: number;
  until?: number;
  imageSize: number;
  workers: number;
  correct?: string;
  otherStatistics: boolean;
  picturesEvery?: number;
  resume: boolean;
  format: 'v2.1' | 'v3.0';
  json: boolean;
  quiet: boolean;
}

async function demos(flags: DemoFlags, command: Command): Promise<void> {
  if (flags.clip === undefined) refuseIdle(command, ['disturb'], 'without --clip');
  if (flags.correct !== undefined) refuseIdle(command, ['disturb'], 'with --correct');
  else refuseIdle(command, ['late', 'otherStatistics'], 'without --correct');
  if (flags.correct === undefined && flags.clip === undefined)
    refuseIdle(command, ['until'], 'without --clip or --correct');
  await requireOutput(flags.out, { kind: 'folder' });
  // Episodes are written one by one, as v2.1 has them; v3.0 is made of the finished set.
  const out = flags.format === 'v2.1' ? flags.out : `${flags.out}.v2.1`;
  if (out !== flags.out && existsSync(out))
    throw new InputError(out, `is finished. Make v3.0 of it: valet data convert ${out} ${flags.out} --format v3.0`);
  const summary = await interruptible('home demos', async (signal) =>
    makeDemonstrations({
      tasks: flags.tasks,
      episodes: flags.episodes,
      out,
      seed: flags.seed,
      clipSeconds: flags.clip,
      disturbance: flags.disturb,
      late: flags.late,
      until: flags.until,
      imageSize: flags.imageSize,
      picturesEvery: flags.picturesEvery,
      workers: flags.workers,
      ...(flags.correct !== undefined && { correct: await checkedCheckpoint(flags.correct, flags) }),
      otherStatistics: flags.otherStatistics,
      resume: flags.resume,
      signal,
      silent: flags.quiet,
    }),
  );
  if (out !== flags.out) {
    const set = await openDataset(out);
    await writeSet(await selectEpisodes(set, {}), flags.out, { format: 'v3.0' });
    await rm(out, { recursive: true });
  }
  const percent = (100 * (summary.helpedSuccess ?? 0)).toFixed(0);
  const helped =
    summary.helpedSuccess === undefined
      ? ''
      : ` (the policy, helped now and then, reached the goal in ${percent} % of the scenes)`;
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...summary, out: flags.out })}\n`);
  else
    process.stdout.write(
      `${summary.episodes} episodes, ${summary.frames} frames in ${duration(summary.seconds)} → ${flags.out}` +
        `${summary.expertFailures ? ` (${summary.expertFailures} scenes left out: the expert failed)` : ''}` +
        `${helped}\n`,
    );
  for (const [task, count] of Object.entries(summary.missing ?? {}))
    process.stderr.write(
      `${task}: ${count} of ${flags.episodes} corrections are missing. The last scenes gave none: in each the policy ` +
        'was done before one was due, or the expert could not go on. Make the rest with another --seed.\n',
    );
}

async function watch(
  task: string,
  { out, instance, moments, size }: { out: string; instance: number; moments: number; size?: number },
  command: Command,
): Promise<void> {
  homeTask(task);
  await requireOutput(out, { kind: 'file' });
  const film = out.toLowerCase().endsWith('.mp4');
  if (film) refuseIdle(command, ['moments'], 'in a film');
  const { steps, success } = film
    ? await expertFilm(task, instance, out, { imageSize: size })
    : await writtenSheet(task, instance, out, { moments, imageSize: size });
  process.stdout.write(
    `${task}, instance ${instance}: ${success ? 'done' : 'not done'} after ${steps} steps → ${out}\n`,
  );
}

async function writtenSheet(task: string, instance: number, out: string, options: Parameters<typeof expertSheet>[2]) {
  const format = /\.jpe?g$/i.test(out) ? 'jpeg' : 'png';
  const sheet = await expertSheet(task, instance, { ...options, format });
  await writeFileAside(out, sheet.bytes);
  return sheet;
}
