import { existsSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FastTokenizer, fastColumns, readNormStats, requireVocabularyFit } from '../../action/index.ts';
import { InputError, jsonText, present, removeAbandoned, writeFileAside, writeFolderAside } from '../../base/index.ts';
import { type Robot, robotRecord } from '../../robot/index.ts';
import { requireNetworkFit } from '../checkpoint.ts';
import { INT8_FILE, type MatrixError } from '../int8/index.ts';
import { type ModelConfig, type ModelConfigInput, modelConfig, parameterTree } from '../network/index.ts';
import { type StatisticsChoice, statisticsOrigin } from '../ownStatistics.ts';
import { quantiseCheckpoint } from '../quantiseCheckpoint.ts';
import { requireStatisticsFit } from '../statisticsFit.ts';
import { chooseAsset, findAssets } from './assets.ts';
import { configOf, policyOf } from './configOf.ts';
import { copyLeaves } from './copyLeaves.ts';
import type { CopyJob } from './copyTask.ts';
import { initialiseAsOriginal } from './initialiseAsOriginal.ts';
import { openTree, refuseInt8, type StoredTree, weightsOf } from './openTree.ts';
import { type ImportPlan, planImport } from './planImport.ts';
import { layoutOf, refuseLora } from './recognise.ts';
import { robotOfSource } from './robotOfSource.ts';
import { bytesOf, elementsOf } from './storedLeaf.ts';
import { converter, STORED_BYTES } from './storedType.ts';
import { asOriginalTree, normaliserBeside } from './torchPi05.ts';
import { recordOf } from './valetBeside.ts';
import { copy, requireSpace, reserveSafetensors, syncFile } from './writeTarget.ts';

export interface ImportOptions extends StatisticsChoice {
  /** Type of the weights in the Valet checkpoint; bfloat16 takes half the space and is widened when it is read. */
  readonly dtype?: 'float32' | 'bfloat16' | 'int8';
  /** Keys of the model configuration that no shape tells, or that differ. */
  readonly config?: Partial<ModelConfigInput>;
  /** Tasks of the new network; the tables get as many rows more. */
  readonly tasks?: number;
  /** Stages of each new task, or one number for all; maxStages when left out. */
  readonly newStages?: readonly number[];
  readonly assetId?: string;
  /** The robot that it drives, where the source does not say. */
  readonly robot?: Robot;
  /** Stages of each task, where the source does not say. */
  readonly stages?: readonly number[];
  /** Statistics to use in place of the source's. */
  readonly normStats?: string;
  /** Seed of everything that is drawn anew. */
  readonly seed?: number | string;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly start?: (bytes: number) => void;
  readonly copied?: (bytes: number) => void;
  /** Called with the number of matrices when int8 rounding begins; `at` then counts them. */
  readonly quantising?: (matrices: number) => { at(done: number): void };
}

export interface ImportReport {
  readonly layout: string;
  readonly config: ModelConfig;
  readonly robot: Robot;
  readonly plan: ImportPlan;
  /** Bytes that were read, unpacked, and bytes of the new weights. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly assetId: string;
  readonly hasStatistics: boolean;
  /** File of LeRobot's normaliser beside the weights, which is not imported; null when there is none. */
  readonly foreignNormaliser: string | null;
  /** Why the statistics, which were copied, do not do for planning; null when they do. */
  readonly statisticsProblem: string | null;
  /** Whether the source was trained with these statistics; null where it does not say. */
  readonly ownStatistics: boolean | null;
  /** Why the source's FAST vocabulary was left out; null when it was not. */
  readonly tokenizerProblem: string | null;
  readonly hasTokenizer: boolean;
  /** The rounding error of each matrix of an int8 import. */
  readonly matrices?: readonly MatrixError[];
}

/**
 * Makes a Valet checkpoint folder from any checkpoint that `openTree` opens. Streams: no leaf is in memory as a whole.
 * The folder is written aside and renamed; when anything fails, or `signal` stops it, nothing is left.
 * @throws InputError that names the file or leaf and what is wrong with it
 */
export async function importCheckpoint(
  source: string,
  out: string,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const { dtype = 'float32', seed = 0 } = options;
  if (dtype === 'int8') return importInt8(source, out, options);
  if (existsSync(out)) throw new InputError(out, 'exists already. Choose another folder or remove it first.');
  const tree = asOriginalTree(weightsOf(await openTree(source)), options.config);
  refuseInt8(tree, 'imported');
  refuseLora(tree, 'imported');
  const layout = layoutOf(tree);
  const config = await configFor(tree, options);
  const plan = planImport(tree, config);
  const assets = findAssets(tree.folder);
  // Statistics from elsewhere make the source's own, of other robots perhaps, needless; the id is then what the user
  // calls them.
  const given = options.normStats !== undefined && !assets.some(({ id }) => id === options.assetId);
  const isOnly = assets.length === 1 && options.assetId === undefined;
  const settings = await policyOf(tree);
  const own = assets.find(({ id }) => id === settings['assetId'])?.id;
  const asset = given && !isOnly ? undefined : chooseAsset(source, assets, options.assetId ?? own);
  const statistics = options.normStats ?? (asset && join(asset.folder, 'norm_stats.json'));
  const robot = options.robot ?? (await robotOfSource(tree, asset?.folder, statistics));
  requireNetworkFit(source, robot, config);
  // A π0.5 base has statistics of other robots, in openpi's form: copied as they are, for whoever wants to look.
  const isOwn = options.normStats !== undefined || layout !== 'pi05';
  const statisticsProblem = statistics ? await problemOf(statistics, { robot, config, refuse: isOwn }) : null;
  const recorded = await recordOf(tree);
  const { own: ownStatistics } = statistics ? await statisticsOrigin(statistics, recorded, options) : { own: null };
  const named = typeof settings['assetId'] === 'string' ? settings['assetId'] : undefined;
  const beside = asset && join(asset.folder, 'fast_tokenizer');
  const vocabulary = beside !== undefined && existsSync(beside) ? beside : undefined;
  const tokenizerProblem = vocabulary === undefined ? null : await vocabularyProblem(vocabulary, robot, config);
  const assetId = asset?.id || options.assetId || named || 'imported';
  await removeAbandoned(out);

  const leaves = parameterTree(config).map(({ name, shape }) => ({ name, shape, dtype }));
  const bytesWritten = leaves.reduce((sum, leaf) => sum + bytesOf(leaf), 0);
  await requireSpace(out, bytesWritten);
  const fresh = new Set(plan.fresh);
  const taken = leaves
    .filter(({ name }) => !fresh.has(name))
    .map(({ name }) => present(tree.leaves.get(name), 'tree.leaves.get(name)'));
  const bytesRead = taken.reduce((sum, leaf) => sum + bytesOf(leaf), 0);
  options.start?.(bytesRead);
  await writeFolderAside(out, async (at) => {
    const file = join(at, 'params.safetensors');
    const starts = await reserveSafetensors(file, leaves);
    const jobs: CopyJob[] = taken.map((leaf) => ({
      leaf,
      file,
      offset: present(starts.get(leaf.name), 'starts.get(leaf.name)'),
      dtype,
    }));
    await copyLeaves(jobs, options);
    await drawFresh(file, starts, config, plan, dtype, seed);
    await syncFile(file);
    if (statistics) await copy(statistics, join(at, 'assets', assetId, 'norm_stats.json'));
    if (vocabulary !== undefined && tokenizerProblem === null)
      await copy(vocabulary, join(at, 'assets', assetId, 'fast_tokenizer'));
    const policy = { ...settings, assetId };
    await writeFileAside(
      join(at, 'config.json'),
      jsonText({ format: 1, model: config, robot: robotRecord(robot), policy }),
    );
    const card = {
      importedFrom: {
        layout: tree.origin ?? layout,
        container: tree.container,
        dtypes: [...new Set(taken.map((leaf) => leaf.dtype))],
      },
      ...(recorded !== undefined && { statistics: recorded }),
      drawnAnew: { leaves: plan.fresh, extended: Object.fromEntries(plan.extended), seed },
    };
    await writeFileAside(join(at, 'card.json'), jsonText(card));
    options.signal?.throwIfAborted();
  });
  return {
    layout: tree.origin ?? layout,
    config,
    robot,
    plan,
    bytesRead,
    bytesWritten,
    assetId,
    hasStatistics: statistics !== undefined,
    foreignNormaliser: normaliserBeside(tree.folder),
    statisticsProblem,
    ownStatistics,
    tokenizerProblem,
    hasTokenizer: vocabulary !== undefined && tokenizerProblem === null,
  };
}

/**
 * First the whole network in float32 (bfloat16 where that loses nothing) inside the folder that is being made, then its
 * matrices as bytes.
 */
async function importInt8(source: string, out: string, options: ImportOptions): Promise<ImportReport> {
  if (existsSync(out)) throw new InputError(out, 'exists already. Choose another folder or remove it first.');
  await removeAbandoned(out);
  const tree = weightsOf(await openTree(source));
  refuseInt8(tree, 'imported');
  const dtype = [...tree.leaves.values()].every((leaf) => leaf.dtype === 'bfloat16') ? 'bfloat16' : 'float32';
  let report: ImportReport | undefined;
  let matrices: MatrixError[] = [];
  await writeFolderAside(out, async (at) => {
    const whole = join(at, 'whole');
    report = await importCheckpoint(source, whole, { ...options, dtype });
    matrices = await quantiseCheckpoint(whole, at, { ...(options.quantising && { progress: options.quantising }) });
    await rm(whole, { recursive: true });
    options.signal?.throwIfAborted();
  });
  const files = ['params.safetensors', INT8_FILE].map(async (name) => (await stat(join(out, name))).size);
  const bytesWritten = (await Promise.all(files)).reduce((a, b) => a + b, 0);
  return { ...present(report, 'report'), bytesWritten, matrices };
}

/** The source's configuration, with what the options say; more tasks are put behind the others. */
async function configFor(
  tree: StoredTree,
  { config: known = {}, stages: given, tasks, newStages, robot }: ImportOptions,
): Promise<ModelConfig> {
  const cameras = robot && known.cameras === undefined ? { cameras: [...robot.cameraNames] } : {};
  const counts = given && { taskNumStages: [...given] };
  const own = await configOf(tree, { ...cameras, ...known, ...counts });
  if (tasks === undefined) {
    if (newStages)
      throw new InputError('--new-stages', 'has no meaning without --tasks, which says how many tasks there are.');
    return own;
  }
  const before = own.taskNumStages;
  if (tasks < before.length)
    throw new InputError('--tasks', `the source has ${before.length} tasks (got ${tasks}). Tables only grow.`);
  const count = tasks - before.length;
  const stages = newStages ?? [own.maxStages];
  if (stages.length !== 1 && stages.length !== count)
    throw new InputError(
      '--new-stages',
      `${count} tasks are new (got ${stages.length} numbers, expected 1 or ${count}).`,
    );
  const most = Math.max(...stages);
  if (newStages && most > own.maxStages)
    throw new InputError('--new-stages', `a task has at most ${own.maxStages} stages in this network (got ${most}).`);
  const added = Array.from({ length: count }, (_, i) =>
    present(stages[stages.length === 1 ? 0 : i], 'stages[stages.length === 1 ? 0 : i]'),
  );
  return modelConfig({ ...own, taskNumStages: [...before, ...added] }, tree.path);
}

/** Writes the leaves, and the rows of longer tables, that the source does not have. */
async function drawFresh(
  file: string,
  starts: ReadonlyMap<string, number>,
  config: ModelConfig,
  plan: ImportPlan,
  dtype: 'float32' | 'bfloat16',
  seed: number | string,
): Promise<void> {
  const leaves = new Map(parameterTree(config).map((leaf) => [leaf.name, leaf]));
  const handle = await open(file, 'r+');
  try {
    const convert = converter('float32', dtype);
    for (const name of [...plan.fresh, ...plan.extended.keys()]) {
      const leaf = present(leaves.get(name), 'leaves.get(name)');
      const rows = plan.extended.get(name) ?? 0;
      const skip = rows * elementsOf(leaf.shape.slice(1));
      const { data } = initialiseAsOriginal(leaf, seed);
      const bytes = convert(new Uint8Array(data.buffer).subarray(4 * skip));
      const at = present(starts.get(name), 'starts.get(name)') + skip * STORED_BYTES[dtype];
      for (let done = 0; done < bytes.length; )
        done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
    }
  } finally {
    await handle.close();
  }
}

/** Why a FAST vocabulary does not do for the network's chunks of the robot; null when it does. */
async function vocabularyProblem(folder: string, robot: Robot, { actionHorizon }: ModelConfig): Promise<string | null> {
  try {
    const columns = fastColumns(robot);
    requireVocabularyFit(folder, await FastTokenizer.load(folder), { horizon: actionHorizon, columns });
    return null;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message;
  }
}

/** What is wrong with statistics. @throws InputError to `refuse` them, which says how to give others */
async function problemOf(
  file: string,
  { robot, config, refuse }: { robot: Robot; config: ModelConfig; refuse: boolean },
): Promise<string | null> {
  try {
    requireStatisticsFit(file, await readNormStats(file), robot, config);
    return null;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (refuse)
      throw new InputError(
        error.where,
        `${error.message.slice(error.where.length + 2)} Others are given by --norm-stats FILE.`,
      );
    return error.message;
  }
}
