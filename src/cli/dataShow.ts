import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import sharp from 'sharp';
import { InputError, present, requireOutput, writeFileAside } from '../base/index.ts';
import { contactSheet, openSets } from '../data/index.ts';
import { addDataOptions, type DataOptionValues, dataChoice, tellNotes } from './shared/dataOptions.ts';
import { episodePage } from './shared/episodePage.ts';
import { refuseIdle } from './shared/given.ts';
import { numberList, positive, whole } from './shared/numbers.ts';
import { robotOption } from './shared/robot.ts';

interface Options extends DataOptionValues {
  readonly robot?: string;
  readonly episode?: number;
  readonly out: string;
  readonly columns: number;
  readonly json?: boolean;
  /** True where no number was given. */
  readonly samples?: number | true;
  readonly frame?: readonly number[];
  readonly seed: number;
  readonly config: string;
  readonly set: string[];
  readonly stats?: string;
}

/** Samples that are shown where nothing says how many. */
const SAMPLES = 4;
/** A page of more is too long to be looked at, and large. */
const MOST_SAMPLES = 64;
const OF_SAMPLES = ['frame', 'seed', 'config', 'set', 'stats'];

/** Adds `valet data show`. */
export function addShow(data: Command): void {
  const showing = data
    .command('show')
    .description('one episode as a picture, or samples as a network in training sees them')
    .argument('<dir>', "the data set's folder")
    .requiredOption('--out <file>', 'the picture to write (.png), or a page with picture, times and skills (.html)')
    .option('--episode <number>', 'episode_index (default: the first that there is)', whole)
    .option('--robot <name|file>', 'whose data they are (default: as the data set says)');
  addDataOptions(showing)
    .option('--columns <count>', 'frames to show', positive, 8)
    .option('--json', 'print what is known of the episode as one JSON value')
    .optionsGroup('Samples of training:')
    .option('--samples [count]', `a page (.html) of so many samples, chosen by the seed (${SAMPLES})`, positive)
    .option('--frame <numbers>', 'samples that begin at these frames of --episode, such as 0,40', numberList)
    .option('--seed <n>', 'of the choice, and of what chance does to pictures and state', whole, 0)
    .option('--config <name>', 'training configuration: nano, dummy, full, or a JSON file', 'nano')
    .option('--set <key=value...>', 'change one setting of the configuration', [])
    .option('--stats <file>', 'norm_stats.json to normalise with (computed from the data when left out)')
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet data show demos --out episode.png' +
        '\n  $ valet data show demos --episode 1000003 --out episode.html' +
        '\n  $ valet data show demos --samples 6 --seed 2 --out samples.html' +
        '\n  $ valet data show demos --samples --episode 3 --frame 0,20 --out samples.html',
    )
    .action(async (dir: string, options: Options, command: Command) => {
      if (options.samples === undefined) {
        refuseIdle(command, OF_SAMPLES, 'without --samples');
        await showEpisode(dir, options);
      } else {
        refuseIdle(command, ['columns'], 'with --samples');
        await showSamples(dir, options);
      }
    });
}

/** The part of the data that is meant; `--episode` is one. */
async function chosen(options: Options) {
  const choice = await dataChoice(options);
  const { episode } = options;
  if (episode !== undefined && choice.episodes)
    throw new InputError('--episode', 'and --episodes were both given. Leave one out.');
  return episode === undefined ? choice : { ...choice, episodes: [[episode, episode] as const] };
}

async function showSamples(dir: string, options: Options): Promise<void> {
  const { out, samples, frame, seed, stats, episode } = options;
  if (!/\.html?$/i.test(out)) throw new InputError('--out', `with --samples a page is written, .html (got ${out}).`);
  if (frame !== undefined && samples !== true)
    throw new InputError('--samples', '--frame says already how many samples are shown. Leave the number out.');
  const count = frame?.length ?? (samples === true ? SAMPLES : present(samples, 'samples'));
  if (count > MOST_SAMPLES)
    throw new InputError('--samples', `too many for one page (got ${count}, at most ${MOST_SAMPLES}).`);
  await requireOutput(out, { kind: 'file' });
  const choice = await chosen(options);
  const robot = await robotOption(options);
  // The network's door brings the runtime along, which --help does not need: loaded here.
  const { loadTrainConfig, applySettings, checkTrainConfig, seenSamples } = await import('../train/index.ts');
  const { samplesPage } = await import('../evaluate/index.ts');
  const config = checkTrainConfig(applySettings(await loadTrainConfig(options.config), options.set));
  const seen = await seenSamples({
    ...{ dir, config, choice, count, seed, stats, ...robot },
    ...(frame && { at: { episode, frames: frame } }),
    threads: availableParallelism(),
    silent: options.json ?? false,
    log: (line) => tellNotes([line]),
  });
  const statistics = stats === undefined ? 'those of the chosen data' : `those of ${stats}`;
  const name = [options.config, ...options.set].join(' ');
  await writeFileAside(out, await samplesPage(seen, { statistics, config: name, seed }));
  const { raw, batch } = seen;
  const shown = seen.episodes.map(({ index }, b) => ({
    episode: index,
    frame: raw.source.frame[b],
    task: raw.taskId[b],
    stage: raw.stage[b],
    toldStage: batch.toldStage[b],
  }));
  if (options.json) process.stdout.write(`${JSON.stringify({ out, samples: shown })}\n`);
  else {
    for (const { episode: index, frame: at, task, stage } of shown)
      process.stdout.write(`episode ${index}, frame ${at}: task ${task}, stage ${stage}\n`);
    process.stdout.write(`${out}: ${shown.length} samples\n`);
  }
}

async function showEpisode(dir: string, options: Options): Promise<void> {
  const { out } = options;
  const form = /\.(png|html?)$/i.exec(out)?.[1]?.toLowerCase();
  if (form === undefined) throw new InputError('--out', `writes .png or .html (got ${out}).`);
  await requireOutput(out, { kind: 'file' });
  const { sets, notes } = await openSets([dir], {
    ...(await robotOption(options)),
    choice: await chosen(options),
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
