import type { Command } from 'commander';
import sharp from 'sharp';
import { InputError, present, requireOutput, writeFileAside } from '../base/index.ts';
import { contactSheet, openSets } from '../data/index.ts';
import { addDataOptions, type DataOptionValues, dataChoice, tellNotes } from './shared/dataOptions.ts';
import { episodePage } from './shared/episodePage.ts';
import { positive, whole } from './shared/numbers.ts';
import { robotOption } from './shared/robot.ts';

interface Options extends DataOptionValues {
  readonly robot?: string;
  readonly episode?: number;
  readonly out: string;
  readonly columns: number;
  readonly json?: boolean;
}

/** Adds `valet data show`. */
export function addShow(data: Command): void {
  const showing = data
    .command('show')
    .description('one episode as a picture: the cameras over time, and the stages below')
    .argument('<dir>', "the data set's folder")
    .requiredOption('--out <file>', 'the picture to write (.png), or a page with picture, times and skills (.html)')
    .option('--episode <number>', 'episode_index (default: the first that there is)', whole)
    .option('--robot <name|file>', 'whose data they are (default: as the data set says)');
  addDataOptions(showing)
    .option('--columns <count>', 'frames to show', positive, 8)
    .option('--json', 'print what is known of the episode as one JSON value')
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet data show demos --out episode.png' +
        '\n  $ valet data show demos --episode 1000003 --out episode.html',
    )
    .action(show);
}

async function show(dir: string, options: Options): Promise<void> {
  const { out } = options;
  const form = /\.(png|html?)$/i.exec(out)?.[1]?.toLowerCase();
  if (form === undefined) throw new InputError('--out', `writes .png or .html (got ${out}).`);
  await requireOutput(out, { kind: 'file' });
  const choice = await dataChoice(options);
  if (options.episode !== undefined && choice.episodes)
    throw new InputError('--episode', 'and --episodes were both given. Leave one out.');
  const { sets, notes } = await openSets([dir], {
    ...(await robotOption(options)),
    choice: options.episode === undefined ? choice : { ...choice, episodes: [[options.episode, options.episode]] },
    pictures: true,
    tasks: 'told',
    first: true,
  });
  tellNotes(notes);
  const dataset = present(sets[0], 'the set');
  const episode = dataset.episodes[0];
  if (!episode) throw new InputError(dir, 'holds no episode.');
  const sheet = await contactSheet(dataset, episode, options.columns);
  const png = await sharp(sheet.data, { raw: { width: sheet.width, height: sheet.height, channels: 3 } })
    .png()
    .toBuffer();
  const skills = ((await dataset.annotation(episode))?.skill_annotation ?? []).map((skill) => ({
    skill: (skill.skill_description ?? []).join(', '),
    frames: skill.frame_duration,
  }));
  const { claims: _, ...known } = episode;
  const about = {
    ...known,
    task: dataset.tasks.get(episode.taskIndex)?.name ?? null,
    seconds: episode.length / dataset.fps,
    shown: sheet.frames,
    skills,
  };
  const title = `episode ${episode.index}: ${about.task ?? 'task'} ${episode.taskIndex}`;
  const size = `${episode.length} frames, ${about.seconds.toFixed(1)} s`;
  const rows = skills.map(({ skill, frames }) => ({ skill, frames: frames.flat().join('–') }));
  if (form === 'png') await writeFileAside(out, png);
  else
    await writeFileAside(
      out,
      episodePage({
        title,
        about: `${size}: ${episode.instruction}`,
        png,
        cameras: dataset.cameras,
        moments: sheet.frames.map((frame) => ({ frame, seconds: frame / dataset.fps })),
        skills: rows,
      }),
    );
  if (options.json) process.stdout.write(`${JSON.stringify(about)}\n`);
  else {
    process.stdout.write(`${title}, ${size}: ${episode.instruction}\n`);
    for (const { skill, frames } of rows) process.stdout.write(`  ${frames}  ${skill}\n`);
    process.stdout.write(`${out}: frames ${sheet.frames.join(', ')}\n`);
  }
}
