import { Command } from 'commander';
import { InputError, nearest, requireOutput, writeFileAside } from '../base/index.ts';
import { chunkDefaults } from '../control/index.ts';
import { motionOf, openDataset, requireRobot } from '../data/index.ts';
import {
  attentionFigure,
  compressionFigure,
  correlationFigure,
  inpaintedPlan,
  inpaintingFigure,
  mixingFigure,
  motionFigure,
  readSteps,
  stagesFigure,
} from '../evaluate/index.ts';
import { configNamed, configs, readCheckpointParts } from '../model/index.ts';
import { loadWeight } from '../tensor/index.ts';
import { chosenCheckpoint } from './shared/chosenCheckpoint.ts';
import { refuseIdle } from './shared/given.ts';
import { positive, whole } from './shared/numbers.ts';
import { robotOption } from './shared/robot.ts';
import { statisticsOf } from './shared/statisticsOf.ts';

interface Options {
  out: string;
  robot?: string;
  episode: number;
  frame: number;
  keep?: number;
}

interface FigureKind {
  /** What `source` is. */
  readonly source: string;
  readonly shows: string;
  /** Options that it takes besides `--out`. */
  readonly takes: readonly (keyof Options)[];
  draw(source: string, options: Options): Promise<string>;
}

const STATISTICS = 'a checkpoint, or a folder with norm_stats.json';

const FIGURES: Readonly<Record<string, FigureKind>> = {
  correlation: {
    source: STATISTICS,
    shows: 'how the numbers of an action chunk move together',
    takes: ['robot'],
    draw: async (source, options) => {
      const { stats, robot } = await statisticsOf(source, options);
      return correlationFigure(stats, robot);
    },
  },
  inpainting: {
    source: STATISTICS,
    shows: 'kept, soft and free rows of a plan that goes on from the last one',
    takes: ['robot', 'keep'],
    draw: async (source, options) => {
      const { stats, robot } = await statisticsOf(source, options);
      return inpaintingFigure(inpaintedPlan(stats, robot, options.keep ?? chunkDefaults(robot).keepActions), robot);
    },
  },
  attention: {
    source: 'a checkpoint, or the name of a configuration',
    shows: 'which token may attend to which',
    takes: [],
    draw: async (source) => {
      if (source in configs) return attentionFigure(configNamed(source));
      return attentionFigure((await readCheckpointParts(await chosenCheckpoint(source))).config);
    },
  },
  mixing: {
    source: 'a checkpoint',
    shows: 'which layers of the VLM each layer of the expert attends to',
    takes: [],
    draw: async (source) => {
      const { config, parameters } = await readCheckpointParts(await chosenCheckpoint(source));
      const load = async (name: 'k' | 'v') => {
        const weight = parameters.get(`kv_transform/${name}_coeffs`);
        if (!weight)
          throw new InputError(source, 'has no mixing of layers (model.useKvTransform is false). Nothing to draw.');
        return (await loadWeight(weight)).data as Float32Array;
      };
      return mixingFigure({ layers: config.layers, keys: await load('k'), values: await load('v') });
    },
  },
  compression: {
    source: 'a data set',
    shows: 'actions before and after they are squeezed in time',
    takes: ['robot', 'episode', 'frame', 'keep'],
    draw: async (source, options) => {
      const dataset = await openDataset(source, await robotOption(options));
      const robot = requireRobot(dataset);
      const episode = dataset.episodes.find(({ index }) => index === options.episode) ?? dataset.episodes[0];
      if (!episode) throw new InputError(source, 'has no episodes.');
      const { action } = await dataset.columns(episode, ['action']);
      const { horizon, width } = robot;
      if (options.frame + horizon > episode.length)
        throw new InputError('--frame', `${options.frame} leaves fewer than ${horizon} frames of ${episode.length}.`);
      const chunk = Float64Array.from(action.data.slice(options.frame * width, (options.frame + horizon) * width));
      const { executeActions: execute, executeSteps: steps, keepActions } = chunkDefaults(robot);
      return compressionFigure(chunk, robot, { execute, keep: options.keep ?? keepActions, steps });
    },
  },
  motion: {
    source: 'a data set',
    shows: 'ranges of the actions, how they keep their values and move together, and how far the state is behind',
    takes: ['robot'],
    draw: async (source, options) => {
      const dataset = await openDataset(source, await robotOption(options));
      const robot = requireRobot(dataset);
      return motionFigure(await motionOf(dataset, robot, Math.round(2 * robot.rate)), robot);
    },
  },
  stages: {
    source: 'a rollout, EVALUATION/rollouts/UNIT',
    shows: 'predicted, voted and true stage over an episode',
    takes: [],
    draw: async (source) => stagesFigure(readSteps(source), source),
  },
};

export function command(): Command {
  const kinds = Object.entries(FIGURES).map(
    ([name, { source, shows }]) => `  ${name.padEnd(12)} ${shows}; of ${source}`,
  );
  return new Command('figure')
    .description('pictures of the method, as SVG')
    .argument('<name>', Object.keys(FIGURES).join(', '))
    .argument('<source>', 'what it is drawn from')
    .requiredOption('--out <file>', 'the picture to write (.svg)')
    .option('--robot <name|file>', "whose statistics or data they are (the source's own)")
    .option('--episode <number>', 'episode_index (compression)', whole, 0)
    .option('--frame <number>', 'first frame of the chunk (compression)', whole, 0)
    .option('--keep <rows>', "rows that the next plan keeps (the robot's, 4; compression, inpainting)", positive)
    .addHelpText(
      'after',
      `\nFigures:\n${kinds.join('\n')}\n\nExamples:\n  $ valet figure correlation household --out correlation.svg` +
        '\n  $ valet figure attention full --out attention.svg',
    )
    .action(run);
}

async function run(name: string, source: string, options: Options, command: Command): Promise<void> {
  const kind = FIGURES[name];
  if (!kind) {
    const names = Object.keys(FIGURES);
    const guess = nearest(name, names);
    throw new InputError(
      'valet figure',
      `there is no figure ${name}.${guess ? ` Did you mean ${guess}?` : ''} There are: ${names.join(', ')}.`,
    );
  }
  const all: (keyof Options)[] = ['robot', 'episode', 'frame', 'keep'];
  refuseIdle(
    command,
    all.filter((option) => !kind.takes.includes(option)),
    `on the figure ${name}`,
  );
  if (!/\.svg$/i.test(options.out)) throw new InputError('--out', `writes .svg (got ${options.out}).`);
  await requireOutput(options.out, { kind: 'file' });
  await writeFileAside(options.out, await kind.draw(source, options));
  process.stdout.write(`${options.out}\n`);
}
