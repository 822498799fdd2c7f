import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import {
  endProcess,
  InputError,
  jsonText,
  type Launch,
  launchOf,
  readJson,
  requireOutput,
  ValetError,
} from '../base/index.ts';
import { type FolderLimit, parseFolderLimit } from '../data/index.ts';
import { chosenRobot } from '../robot/index.ts';
import {
  applySettings,
  checkTrainConfig,
  loadTrainConfig,
  type TrainConfig,
  type TrainOptions,
  train,
  trainInRanks,
} from '../train/index.ts';
import { chosenCheckpoint } from './shared/chosenCheckpoint.ts';
import { addDataOptions, type DataOptionValues, dataChoice } from './shared/dataOptions.ts';
import { MIN_STD_HELP } from './shared/floors.ts';
import { refuseIdle, requireGiven } from './shared/given.ts';
import { LORA_HELP, parseLora } from './shared/loraOption.ts';
import { atLeastZero, minutes, positive, whole } from './shared/numbers.ts';
import { addStatisticsOption } from './shared/otherStatistics.ts';
import { lazyPlayer, parseRollouts, ROLLOUTS_HELP, type RolloutsOption } from './shared/rolloutsOption.ts';
import { tellError } from './shared/tellError.ts';

interface Options extends DataOptionValues {
  printConfig?: string;
  robot?: string;
  stageTable?: string;
  config: string;
  data: string[];
  out: string;
  steps?: number;
  seed?: number;
  threads?: number;
  resume: boolean;
  init?: string;
  stats?: string;
  tokenizer?: string;
  minStd?: number;
  allowFar: boolean;
  skipFar: boolean;
  device: string;
  otherStatistics: boolean;
  skipBad: boolean;
  checkpointEvery?: number;
  stream?: string;
  frameCache?: FolderLimit;
  timeLimit?: number;
  rollouts?: RolloutsOption;
  best?: string;
  whenFull: 'stop' | 'go-on';
  lora?: ReturnType<typeof parseLora>;
  set: string[];
  json: boolean;
}

/** How long ranks other than the first wait before they tell of an error. */
const SECOND_VOICE_MS = 2000;

export function command(): Command {
  const train = addStatisticsOption(new Command('train'))
    .description('train a policy on demonstrations')
    .option('--config <name>', 'nano, dummy, full, or a JSON file (docs/training-config.md)')
    .option('--data <dir...>', 'data set folders; DIR:WEIGHT gives each its share of every batch')
    .option('--out <dir>', 'training folder')
    .option('--print-config <name>', 'print a configuration as JSON, with --set applied, and do nothing else')
    .option('--robot <name|file>', 'whose data they are (default: as the data sets say)');
  return addDataOptions(train)
    .option('--stage-table <file>', 'stages of each task: a JSON list, or the config.json of a checkpoint')
    .option('--steps <n>', 'updates; the schedule ends with them', positive)
    .option('--seed <n>', "seed of weights, batches and noise (0; the run's with --resume)", whole)
    .option('--threads <n>', `threads of the network (${availableParallelism()}; the run's with --resume)`, positive)
    .option('--resume', 'go on from the newest checkpoint in --out', false)
    .option(
      '--init <checkpoint>',
      "start from the weights and statistics of a checkpoint (household, its folder, or a training folder's newest), " +
        'with a fresh optimiser',
    )
    .option('--stats <file>', 'norm_stats.json to use (computed from the data when left out)')
    .option('--min-std <x>', MIN_STD_HELP, atLeastZero)
    .option('--allow-far', 'train although data lie far outside the statistics', false)
    .option('--skip-far', 'leave out samples that lie far outside the statistics', false)
    .option(
      '--skip-bad',
      'leave out samples whose numbers are not finite or far too large, or whose videos cannot be read',
      false,
    )
    .option('--tokenizer <dir>', 'FAST vocabulary for model.useFastAuxiliary (fitted on the data when left out)')
    .addOption(new Option('--device <name>', 'what computes: training runs on the CPU alone').default('cpu'))
    .option('--checkpoint-every <n>', 'updates between checkpoints', positive)
    .option('--rollouts <plan>', ROLLOUTS_HELP, parseRollouts)
    .option(
      '--best <measure>',
      'keep the best checkpoint as checkpoints/best: by q or success of the rollouts, or by validation/KEY, such as ' +
        'validation/loss',
    )
    .addOption(
      new Option('--when-full <what>', 'where the disk takes no checkpoint: end, or train on until there is room')
        .choices(['stop', 'go-on'])
        .default('stop'),
    )
    .addOption(
      new Option(
        '--stream <when>',
        'read samples as they are needed instead of holding them (auto: where they do not fit)',
      ).choices(['auto', 'always', 'never']),
    )
    .option(
      '--frame-cache <dir[:size]>',
      'keep decoded pictures of streamed samples there, such as frames:100GiB (20 GiB), for the next epoch and run',
      (text) => parseFolderLimit(text),
    )
    .option('--time-limit <minutes>', 'save and stop after so many minutes of training; --json says so', minutes)
    .option('--lora <adapters>', LORA_HELP, parseLora)
    .option('--set <key=value...>', 'change one setting of the configuration, such as schedule.peak=0.0005', [])
    .option('--json', 'print the result as one JSON object', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet train --config nano --data demos --out out/first --steps 3000' +
        '\n  $ valet train --print-config nano > my.json\n\nCtrl-C saves and ends with exit code 130; --resume ' +
        'goes on, to the same bytes. At --time-limit it saves and ends with 0, and the result says so: "stopped" of ' +
        '--json is "time limit".',
    )
    .action(async (options: Options, command: Command) => {
      const launch = launchOf();
      try {
        await run(options, command, launch);
      } catch (error) {
        // What all ranks see is told by the first, whose end is theirs.
        if (launch && launch.rank > 0) await new Promise((resolve) => setTimeout(resolve, SECOND_VOICE_MS));
        throw error;
      }
    });
}

const StageTable = z.array(z.int().positive()).min(1);
const StageTableFile = z.union([StageTable, z.object({ model: z.object({ taskNumStages: StageTable }) })]);

/** The table in a file, as JSON. @throws InputError when it holds none */
async function stageTableText(file: string): Promise<string> {
  const found = await readJson(file, StageTableFile);
  return JSON.stringify(Array.isArray(found) ? found : found.model.taskNumStages);
}

/** What `--print-config` looks at. */
const OF_CONFIGS = ['printConfig', 'set', 'stageTable', 'steps', 'checkpointEvery', 'stream', 'lora'];

/** The configuration that the options say. */
async function chosenConfig(options: Options, name: string): Promise<TrainConfig> {
  const base = await loadTrainConfig(name);
  const settings = [
    ...options.set,
    ...(options.stageTable === undefined ? [] : [`model.taskNumStages=${await stageTableText(options.stageTable)}`]),
    ...(options.steps === undefined ? [] : [`steps=${options.steps}`]),
    ...(options.stream === undefined ? [] : [`stream=${options.stream}`]),
    ...(options.checkpointEvery === undefined ? [] : [`checkpointEvery=${options.checkpointEvery}`]),
  ];
  const wanted = options.lora === undefined ? base : { ...base, lora: options.lora };
  return checkTrainConfig(applySettings(checkTrainConfig(wanted), settings));
}

async function run(options: Options, command: Command, launch: Launch | null): Promise<void> {
  if (options.printConfig !== undefined) {
    const others = command.options.map((option) => option.attributeName()).filter((name) => !OF_CONFIGS.includes(name));
    refuseIdle(command, others, 'with --print-config');
    process.stdout.write(jsonText(await chosenConfig(options, options.printConfig)));
    return;
  }
  requireGiven(command, ['config', 'data', 'out']);
  if (options.init === undefined && !options.resume)
    refuseIdle(command, ['otherStatistics'], 'without --init or --resume');
  if (options.resume)
    refuseIdle(command, ['allowFar', 'skipFar'], 'with --resume: the data were looked at before the first update');
  else if (options.init === undefined && options.stats === undefined)
    refuseIdle(
      command,
      ['allowFar', 'skipFar'],
      'without --stats or --init: no data lie far outside their own statistics',
    );
  if (options.device !== 'cpu')
    throw new InputError(
      '--device',
      `training runs on the CPU alone (got ${options.device}, expected cpu). Leave it out.`,
    );
  const config = await chosenConfig(options, options.config);
  if (config.stream === 'never')
    refuseIdle(command, ['frameCache'], 'with --stream never: the samples are held in memory');
  await requireOutput(options.out, { kind: 'folder' });
  const robot = options.robot === undefined ? undefined : await chosenRobot(options.robot);
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const stop = new AbortController();
  let signals = 0;
  const onSignal = () => {
    // The second signal does not wait for the save.
    if (++signals > 1) return void endProcess(130);
    log('stopping after this update …');
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const { data, out, seed, threads, resume, init, stats, tokenizer, timeLimit, minStd, allowFar, skipBad } = options;
    const { rollouts, best } = options;
    const wanted: TrainOptions = {
      config,
      data,
      out,
      ...(seed === undefined ? {} : { seed }),
      ...(threads === undefined ? {} : { threads }),
      resume,
      signal: stop.signal,
      log,
      ...(robot && { robot }),
      choice: await dataChoice(options),
      ...(init === undefined ? {} : { init: await chosenCheckpoint(init) }),
      ...(stats === undefined ? {} : { stats }),
      ...(minStd === undefined ? {} : { minStd }),
      allowFar,
      ...(options.skipFar && { skipFar: true }),
      otherStatistics: options.otherStatistics,
      skipBad,
      player: lazyPlayer,
      whenFull: options.whenFull,
      ...(rollouts === undefined ? {} : { rollouts }),
      ...(best === undefined ? {} : { best }),
      ...(tokenizer === undefined ? {} : { tokenizer }),
      ...(options.frameCache && { frameCache: options.frameCache }),
      ...(timeLimit === undefined ? {} : { timeLimitMinutes: timeLimit }),
    };
    const result = launch ? await trainInRanks({ launch }, wanted, tellError) : await train(wanted);
    if (!result) return; // a rank other than the first
    const { stopped = null, skippedUpdates, leftOutSamples } = result;
    if (leftOutSamples > 0) log(`${leftOutSamples} samples were left out: ${join(out, 'left-out.jsonl')} names them`);
    if (skippedUpdates > 0)
      log(`${skippedUpdates} updates were skipped: ${join(out, 'skipped.jsonl')} names their samples`);
    if (options.json) process.stdout.write(`${JSON.stringify({ ...result, stopped, out })}\n`);
    else {
      const early = stopped === null ? '' : ` (stopped at step ${result.step} of ${result.steps}: ${stopped})`;
      const best = result.best === undefined ? '' : `best: ${result.best}\n`;
      process.stdout.write(`checkpoint: ${result.checkpoint}${early}\n${best}`);
    }
    if (result.stopped === 'interrupted')
      throw new ValetError(
        out,
        `interrupted at step ${result.step} of ${result.steps}; the state is saved. --resume goes on.`,
        'interrupted',
      );
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
