import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import sharp from 'sharp';
import { InputError, jsonText, NotBuiltError, Progress, writeFileAside } from '../base/index.ts';
import { checkDataset, contactSheet, openDataset, proposeRobot } from '../data/index.ts';
import { chosenRobot, type Robot, robotRecord } from '../robot/index.ts';
import { positive, whole } from './shared/numbers.ts';

/** `valet data check | show | robot | convert` */
export function command(): Command {
  const data = new Command('data')
    .description('check, show and convert data sets, propose a robot')
    .addHelpText('after', '\nExample:\n  $ valet data check demos');
  data
    .command('check')
    .description('read a whole LeRobot v2.1 or v3.0 data set and name every file that is wrong')
    .argument('<dir>', "the data set's folder")
    .option('--robot <name|file>', 'whose data they are (default: as the data set says)')
    .option('--all-frames', 'decode every picture, not only the first and last of each video')
    .option('--json', 'print the result as one JSON value')
    .addHelpText('after', '\nExample:\n  $ valet data check demos')
    .action(async (dir: string, options: { robot?: string; allFrames?: boolean; json?: boolean }) => {
      await requireFolder(dir);
      let bar: Progress | undefined;
      const result = await checkDataset(dir, {
        ...(await given(options)),
        decodeAll: options.allFrames ?? false,
        progress(done, total) {
          bar ??= new Progress('checking', total, { unit: 'episodes' });
          bar.at(done);
        },
      });
      bar?.end();
      if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
      else {
        for (const { code, where, message } of result.problems)
          process.stderr.write(`${where}: ${message} [${code}]\n`);
        const size = `${result.format ?? 'unreadable'}, ${result.episodes} episodes, ${result.frames} frames`;
        process.stderr.write(`${dir}: ${size}: ${result.ok ? 'all right' : `${result.problems.length} problems`}\n`);
      }
      if (!result.ok) process.exitCode = 1;
    });
  data
    .command('show')
    .description('one episode as a picture: the cameras over time, and the stages below')
    .argument('<dir>', "the data set's folder")
    .requiredOption('--episode <number>', 'episode_index', whole)
    .requiredOption('--out <png>', 'the picture to write')
    .option('--robot <name|file>', 'whose data they are (default: as the data set says)')
    .option('--columns <count>', 'frames to show', positive, 8)
    .option('--json', 'print what is known of the episode as one JSON value')
    .addHelpText('after', '\nExample:\n  $ valet data show demos --episode 0 --out episode.png')
    .action(
      async (
        dir: string,
        options: { robot?: string; episode: number; out: string; columns: number; json?: boolean },
      ) => {
        const dataset = await openDataset(dir, await given(options));
        const episode = dataset.episodes.find((e) => e.index === options.episode);
        if (!episode) {
          const some = dataset.episodes.slice(0, 5).map((e) => e.index);
          throw new InputError(
            '--episode',
            `${dir} has no episode ${options.episode} (it has ${dataset.episodes.length}: ${some.join(', ')}, …).`,
          );
        }
        const sheet = await contactSheet(dataset, episode, options.columns);
        const png = await sharp(sheet.data, { raw: { width: sheet.width, height: sheet.height, channels: 3 } })
          .png()
          .toBuffer();
        await writeFileAside(options.out, png);
        const skills = ((await dataset.annotation(episode))?.skill_annotation ?? []).map((skill) => ({
          skill: (skill.skill_description ?? []).join(', '),
          frames: skill.frame_duration,
        }));
        const about = {
          ...episode,
          task: dataset.tasks.get(episode.taskIndex)?.name ?? null,
          seconds: episode.length / dataset.fps,
          shown: sheet.frames,
          skills,
        };
        if (options.json) process.stdout.write(`${JSON.stringify(about)}\n`);
        else {
          process.stderr.write(
            `episode ${episode.index}: ${about.task ?? 'task'} ${episode.taskIndex}, ${episode.length} frames, ` +
              `${about.seconds.toFixed(1)} s: ${episode.instruction}\n`,
          );
          for (const { skill, frames } of skills) process.stderr.write(`  ${frames.flat().join('–')}  ${skill}\n`);
          process.stderr.write(`${options.out}: frames ${sheet.frames.join(', ')}\n`);
        }
      },
    );
  data
    .command('robot')
    .description("propose a robot from the names in a data set's metadata, to be checked by a person")
    .argument('<dir>', "the data set's folder")
    .requiredOption('--out <file>', 'robot.json to write')
    .option('--json', 'print the robot and what was guessed as one JSON value')
    .addHelpText('after', '\nExample:\n  $ valet data robot demos --out robot.json')
    .action(async (dir: string, options: { out: string; json?: boolean }) => {
      await requireFolder(dir);
      const { robot, guesses } = await proposeRobot(dir);
      await writeFileAside(options.out, jsonText(robotRecord(robot)));
      if (options.json)
        process.stdout.write(`${JSON.stringify({ robot: robotRecord(robot), guesses, out: options.out })}\n`);
      for (const guess of guesses) process.stderr.write(`check: ${guess}\n`);
      process.stderr.write(`${options.out}: ${robot.name}, ${robot.width} actions, ${robot.cameras.length} cameras\n`);
    });
  data
    .command('convert')
    .description('v2.1 to v3.0 (not built yet)')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new NotBuiltError('valet data convert', 'writing LeRobot v3.0');
    });
  return data;
}

/** What `--robot` says, for `openDataset`. */
async function given({ robot }: { readonly robot?: string }): Promise<{ robot?: Robot }> {
  return robot === undefined ? {} : { robot: await chosenRobot(robot) };
}

/** @throws InputError when there is no such folder; what is wrong inside one is for the check to say */
async function requireFolder(dir: string): Promise<void> {
  const found = await stat(dir).catch(() => undefined);
  if (!found?.isDirectory())
    throw new InputError(dir, `${found ? 'is not a folder' : 'does not exist'}. Give the folder of a data set.`);
}
