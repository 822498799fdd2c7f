import type { CorrelatedNoise } from '../action/index.ts';
import { InputError, present, ValetError, WorkerClient } from '../base/index.ts';
import { commonRobot, openDataset, parseDataFolder, stageTable } from '../data/index.ts';
import {
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
import { RunFolder, type RunRecord, requireSameRun } from './folder.ts';
import { frozenLeaves } from './freeze.ts';
import { runLoop, type TrainResult } from './loop.ts';
import { requireTrainingMemory } from './memory.ts';
import type { TrainOptions } from './options.ts';
import { readTrainingCheckpoint } from './save.ts';
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
  const { data: folders, seed = 0, threads = 2, log = () => undefined, out } = options;
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
  const latest = before ? await folder.latest() : null;
  const resumed = latest === null ? null : await readTrainingCheckpoint(latest);
  if (resumed && options.minStd !== undefined)
    throw new InputError('--min-std', `has no effect: the run in ${out} has its statistics. Leave it out.`);
  if (resumed && options.stats !== undefined) await requireSameStatistics(options.stats, resumed.statistics, out);
  const initial = options.init !== undefined && !resumed ? await readCheckpoint(options.init) : null;

  const { robot, config: wanted } = await settle(options, resumed ?? initial);
  requireTrainingMemory(wanted, { available: options.availableMemory });
  const data = await loadData(folders, wanted, { robot, seed, workers: threads, log, silent });
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
    versions: versions(),
  };
  if (before) requireSameRun(out, before, record);
  if (before && before.steps !== config.steps)
    log(`the schedule ended at step ${before.steps}; now it ends at ${config.steps}`);
  if (initial) requireSameModel(present(options.init, 'options.init'), initial.config, model);
  const { statistics, from } = resumed
    ? { statistics: resumed.statistics, from: undefined }
    : await chooseStatistics({
        ...{ robot, model, data: folders, threads, silent, log },
        file: options.stats,
        minStd: options.minStd,
        initial: initial ? { from: present(options.init, 'options.init'), statistics: initial.normStats } : undefined,
      });
  if (!resumed) requireNear(farValues(data.store, statistics, robot), { from, allow: options.allowFar ?? false, log });
  const tokenizer = await chooseTokenizer(model, {
    folder: options.tokenizer,
    kept: latest ?? undefined,
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
      tasks: await taskNames(folders, resumed && latest !== null ? latest : options.init),
      start: resumed?.step ?? 0,
      log,
    });
  } finally {
    await client.close();
  }
}

/** Names of the tasks in the data, and of those that the run's first weights were trained on. */
async function taskNames(folders: readonly string[], checkpoint: string | undefined): Promise<string[]> {
  const before = checkpoint === undefined ? [] : await tasksOfCheckpoint(checkpoint);
  const datasets = await Promise.all(folders.map((folder) => openDataset(parseDataFolder(folder).dir)));
  const names = datasets.flatMap(({ tasks }) =>
    [...tasks.values()].map(({ name, instruction }) => name ?? instruction),
  );
  return [...new Set([...before, ...names])].sort();
}

/**
 * The robot of the data, and the configuration for it. `from`: the checkpoint that the run starts from or goes on
 * from.
 */
async function settle(
  { data, robot: given, config, init, out }: TrainOptions,
  from: { readonly robot: Robot; readonly model?: ModelConfig; readonly config?: ModelConfig } | null,
): Promise<{ robot: Robot; config: RunConfig }> {
  const datasets = await Promise.all(
    data.map((folder) => openDataset(parseDataFolder(folder).dir, given && { robot: given })),
  );
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
  const settled = settledConfig(config, { robot, taskNumStages });
  requireFitting(settled, robot);
  return { robot, config: settled };
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
