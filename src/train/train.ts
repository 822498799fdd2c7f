import { availableParallelism } from 'node:os';
import type { CorrelatedNoise } from '../action/index.ts';
import { InputError, lockFolder, present, ValetError, WorkerClient } from '../base/index.ts';
import { commonRobot, type Dataset, openSets, parseDataFolder, stageTable, successorTable } from '../data/index.ts';
import {
  type Checkpoint,
  checkpointDigest,
  checkpointFolder,
  checkStatistics,
  flowNoise,
  initParameters,
  loadParameters,
  type ModelConfig,
  readCheckpoint,
  tasksOfCheckpoint,
} from '../model/index.ts';
import { type Robot, robotRecord, sameRobot } from '../robot/index.ts';
import type { Parameters } from '../tensor/index.ts';
import { checkTrainConfig, type RunConfig, requireFitting, settledConfig } from './config.ts';
import { loadData } from './data.ts';
import { farValues, requireNear } from './farValues.ts';
import { chooseTokenizer } from './fastTokens.ts';
import { RunFolder, type RunRecord } from './folder.ts';
import { frozenLeaves } from './freeze.ts';
import { runLoop, type TrainResult } from './loop.ts';
import { requireTrainingMemory } from './memory.ts';
import type { TrainOptions } from './options.ts';
import { findResumePoint } from './resumePoint.ts';
import { requireSameRun } from './sameRun.ts';
import { chooseStatistics, requireSameStatistics } from './statistics.ts';
import type { TrainerInfo, TrainerOptions } from './trainer.ts';
import { versions } from './versions.ts';

/**
 * Trains a policy: statistics, batches, updates, checkpoints. The same configuration, data, seed and number of
 * threads give the same
 * bytes, also when the run is interrupted and resumed.
 * @throws InputError for bad options or data, before anything is written; ValetError when the loss stays non-finite
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const lock = await lockFolder(options.out, 'valet train');
  try {
    return await trainLocked(options);
  } finally {
    await lock.release();
  }
}

async function trainLocked(options: TrainOptions): Promise<TrainResult> {
  const { data: folders, log = () => undefined, out } = options;
  const silent = options.log === undefined;
  const folder = new RunFolder(out);
  const before = await folder.record();
  if (before && !options.resume)
    throw new InputError(out, 'holds a run already. Add --resume to go on with it, or choose another folder.');
  if (!before && options.resume)
    throw new InputError(out, 'holds no run to go on with. Leave --resume out to begin one, or name its folder.');
  if (options.tokenizer !== undefined && !options.config.model.useFastAuxiliary)
    throw new InputError(
      '--tokenizer',
      'has no effect: the network is trained without FAST tokens. Leave it out, or --set model.useFastAuxiliary=true.',
    );
  if (!before && (await folder.hasCheckpoints()))
    throw new InputError(out, 'holds checkpoints and no run.json. Put it back, or choose another folder.');
  // What is not said is the run's.
  const { seed = before?.seed ?? 0, threads = before?.threads ?? availableParallelism() } = options;
  const found = before && (await findResumePoint(folder, before, log, options));
  const latest = found?.path;
  const resumed = found?.point;
  if (resumed && options.config.steps < resumed.step)
    throw new InputError(
      '--steps',
      `${options.config.steps} is less than the ${resumed.step} updates that ${out} has already. Name more.`,
    );
  if (resumed && options.minStd !== undefined)
    throw new InputError('--min-std', `has no effect: the run in ${out} has its statistics. Leave it out.`);
  if (resumed && options.stats !== undefined) await requireSameStatistics(options.stats, resumed.statistics, out);
  const initial = options.init !== undefined && !resumed ? await openInitial(options.init, options) : null;

  const { robot, sets, config: wanted } = await settle(options, resumed ?? initial, log);
  requireTrainingMemory(wanted, { available: options.availableMemory });
  const { skipBad = false } = options;
  const data = await loadData(folders, wanted, {
    robot,
    sets,
    choice: options.choice,
    seed,
    workers: threads,
    log,
    silent,
    skipBad,
  });
  if (options.signal?.aborted)
    throw new ValetError(out, 'interrupted before the first update; nothing was written.', 'interrupted');
  const model = fitModel(wanted, data.store.taskInfoSize);
  checkTrainConfig({ ...wanted, model });
  const config: RunConfig = { ...wanted, model };
  requireTrainingMemory(config, { available: options.availableMemory });
  const record: RunRecord = {
    config,
    robot: robotRecord(robot),
    seed,
    steps: config.steps,
    data: [...folders],
    dataFingerprint: data.fingerprint,
    threads,
    init: options.init ?? null,
    initDigest: options.init === undefined ? null : await checkpointDigest(options.init),
    versions: versions(),
  };
  if (before) requireSameRun(out, before, record);
  if (before && options.init === undefined) Object.assign(record, { init: before.init, initDigest: before.initDigest });
  if (resumed && latest !== undefined) {
    log(`goes on after step ${resumed.step} (${latest}), with the statistics of the run`);
  } else if (before) log('no checkpoint yet: begins again');
  for (const [what, was, now] of before ? differences(before, record) : [])
    log(`the run had ${what} ${was}, now ${now}: its last bits differ from those of a run in one go`);
  if (before && before.steps !== config.steps)
    log(`the schedule ended at step ${before.steps}; now it ends at ${config.steps}`);
  if (initial) requireSameModel(present(options.init, 'options.init'), initial.config, model);
  const { statistics, from } = resumed
    ? { statistics: resumed.statistics, from: undefined }
    : await chooseStatistics({
        ...{ robot, model, data: sets, threads, silent, log, skipWrong: skipBad },
        file: options.stats,
        minStd: options.minStd,
        initial: initial
          ? {
              from: present(options.init, 'options.init'),
              statistics: initial.normStats,
              recorded: initial.card['statistics'],
            }
          : undefined,
      });
  if (!resumed) requireNear(farValues(data.store, statistics, robot), { from, allow: options.allowFar ?? false, log });
  const tokenizer = await chooseTokenizer(model, {
    folder: options.tokenizer,
    kept: latest,
    initial: options.init,
    robot,
    store: data.store,
    statistics,
    log,
  });
  const noise = flowNoise(model, statistics);

  const client = WorkerClient.start('train/trainer.worker');
  try {
    const info = await client.call<TrainerInfo>('open', {
      model,
      batch: config.batch,
      optimizer: config.optimizer,
      noiseFactor: denseFactor(noise),
      threads,
      frozen: frozenLeaves(model, config.freeze),
      start: resumed ?? {
        parameters: startingWeights(model, seed, initial ? await loadParameters(initial) : undefined),
      },
      measurePeak: !silent,
    } satisfies TrainerOptions);
    await folder.begin(record);
    await folder.rewind(resumed?.step ?? 0);
    await folder.writeLeftOut(data.skipped);
    const peak = info.peak ? `, this machine reaches ${info.peak.toFixed(0)} GFLOP/s on ${threads} threads` : '';
    const work = `${(info.flops / config.batch / 1e9).toFixed(2)} GFLOP a sample${peak}`;
    log(`${(info.parameters / 1e6).toFixed(2)} M parameters · ${data.summary} · ${work}`);
    return await runLoop({
      options,
      config,
      robot,
      seed,
      folder,
      data,
      client,
      info,
      statistics,
      tokenizer,
      record,
      tasks: await taskNames(sets, resumed && latest !== undefined ? latest : options.init),
      taskNames: new Map(sets.flatMap(taskNamesOf)),
      start: resumed?.step ?? 0,
      log,
    });
  } finally {
    await client.close();
  }
}

/** The checkpoint that a run starts from. With a file of statistics given, its own count for nothing. */
async function openInitial(init: string, { stats, otherStatistics, log }: TrainOptions): Promise<Checkpoint> {
  const note = stats === undefined ? await checkStatistics(checkpointFolder(init), { otherStatistics }) : undefined;
  if (note !== undefined) log?.(note);
  return readCheckpoint(init, { otherStatistics: stats !== undefined || otherStatistics });
}

/** A data set's tasks: id and name. */
const taskNamesOf = ({ tasks }: Pick<Dataset, 'tasks'>): [number, string][] =>
  [...tasks].map(([id, { name, instruction }]) => [id, name ?? instruction]);

/** Names of the tasks that the episodes are of, and of those that the run's first weights were trained on. */
async function taskNames(sets: readonly Dataset[], checkpoint: string | undefined): Promise<string[]> {
  const before = checkpoint === undefined ? [] : await tasksOfCheckpoint(checkpoint);
  const names = sets.flatMap(({ tasks, episodes }) => {
    const used = new Set(episodes.map(({ taskIndex }) => taskIndex));
    return taskNamesOf({ tasks }).flatMap(([id, name]) => (used.has(id) ? [name] : []));
  });
  return [...new Set([...before, ...names])].sort();
}

/**
 * The robot of the data, and the configuration for it. `from`: the checkpoint that the run starts from or goes on
 * from.
 */
async function settle(
  { data, robot: given, choice, config, init, out }: TrainOptions,
  from: { readonly robot: Robot; readonly model?: ModelConfig; readonly config?: ModelConfig } | null,
  log: (line: string) => void,
): Promise<{ robot: Robot; sets: readonly Dataset[]; config: RunConfig }> {
  const folders = data.map((folder) => parseDataFolder(folder).dir);
  const { sets: datasets, notes } = await openSets(folders, { robot: given, choice, pictures: true, tasks: 'refused' });
  for (const note of notes) log(note);
  const robot = commonRobot(datasets);
  if (from && !sameRobot(from.robot, robot))
    throw new InputError(
      init ?? out,
      `the checkpoint drives another robot (${described(from.robot)}) than the data's (${described(robot)}). Train ` +
        'from a checkpoint of the same robot, or from nothing.',
    );
  const network = from?.model ?? from?.config;
  const taskNumStages =
    config.model.taskNumStages ?? network?.taskNumStages ?? (await stageTable(datasets, config.stageLabels));
  const stageSuccessors = { ...network?.stageSuccessors, ...successorTable(datasets) };
  const settled = settledConfig(config, { robot, taskNumStages, stageSuccessors });
  requireFitting(settled, robot);
  return { robot, sets: datasets, config: settled };
}

/** What the last bits depend on besides the run's own settings. */
function differences(was: RunRecord, now: RunRecord): [what: string, was: unknown, now: unknown][] {
  const pairs: [string, unknown, unknown][] = [
    ['threads', was.threads, now.threads],
    ...Object.keys(now.versions).map((name): [string, unknown, unknown] => [
      name,
      was.versions[name],
      now.versions[name],
    ]),
  ];
  return pairs.filter(([, a, b]) => a !== b);
}

const described = ({ name, width, rate, cameraNames }: Robot): string =>
  `${name}: ${width} actions at ${rate} Hz, cameras ${cameraNames.join(', ')}`;

/** The model with an auxiliary head for the positions that the data tells. */
function fitModel(config: RunConfig, taskInfoSize: number): ModelConfig {
  const { model, objectsWeight } = config;
  if (!model.auxiliary) return model;
  const { objects: _, ...auxiliary } = model.auxiliary;
  const objects =
    objectsWeight > 0 && taskInfoSize > 0 ? { objects: { size: taskInfoSize, weight: objectsWeight } } : {};
  return { ...model, auxiliary: { ...auxiliary, ...objects } };
}

const TRAINING_KEYS: readonly (keyof ModelConfig)[] = [
  'stageSuccessors',
  'flowSamples',
  'fastLossWeight',
  'subtaskLossWeight',
  'useKnowledgeInsulation',
  'useCorrelatedNoise',
  'correlationBeta',
  'timeThresholdInpaint',
  'useKvTransform',
  'useFastAuxiliary',
  'fastVocabSize',
  'maxFastTokens',
  'auxiliary',
];

/** @throws InputError when a checkpoint's network is not the one to be trained */
function requireSameModel(where: string, has: ModelConfig, wants: ModelConfig): void {
  // What changes the loss, the gradient or the noise alone may differ; so may the heads of training, with the leaves
  // that they bring.
  const shape = (config: ModelConfig): Record<string, unknown> => {
    const own: Record<string, unknown> = { ...config };
    for (const key of TRAINING_KEYS) delete own[key];
    return own;
  };
  const [a, b] = [shape(has), shape(wants)];
  for (const key of Object.keys({ ...a, ...b }))
    if (JSON.stringify(a[key]) !== JSON.stringify(b[key]))
      throw new InputError(
        where,
        `has another network: ${key} is ${JSON.stringify(a[key])} (the configuration wants ${JSON.stringify(b[key])}).`,
      );
}

/** Fresh weights, and a checkpoint's in their place where it has them: the auxiliary heads may differ. */
function startingWeights(model: ModelConfig, seed: number, from?: Parameters): Parameters {
  const weights = initParameters(model, seed);
  for (const [name, { shape }] of weights) {
    const given = from?.get(name);
    if (given && String(given.shape) === String(shape)) weights.set(name, given);
  }
  return weights;
}

/** [n, n] the whole factor L of the noise's covariance, float32; null when it is the identity. */
export function denseFactor({ active, factor, diagonal }: CorrelatedNoise): Float32Array | null {
  if (active.length === 0) return null;
  const n = diagonal.length;
  const dense = new Float32Array(n * n);
  for (let i = 0; i < n; i++) dense[i * n + i] = present(diagonal[i], 'diagonal[i]');
  const m = active.length;
  for (let i = 0; i < m; i++)
    for (let j = 0; j < i; j++)
      dense[present(active[i], 'active[i]') * n + present(active[j], 'active[j]')] = present(
        factor[i * m + j],
        'factor[i * m + j]',
      );
  return dense;
}
