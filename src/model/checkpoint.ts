import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ChunkStatistics, readNormStats, writeNormStats } from '../action/index.ts';
import { InputError, jsonText, nearest, present, readJson, writeFileAside, writeFolderAside } from '../base/index.ts';
import { CHALLENGE_ROBOT, parseRobot, type Robot, robotRecord } from '../robot/index.ts';
import {
  type DataType,
  loadWeights,
  mapSafetensors,
  type Parameters,
  type PiecedArray,
  type QuantisedMatrices,
  type Weight,
  type Weights,
  writeSafetensors,
} from '../tensor/index.ts';
import { recordedStatistics } from './card.ts';
import { checkpointFolder } from './checkpointFolder.ts';
import { int8Parts, readInt8 } from './int8/index.ts';
import { type ModelConfig, type ModelStages, modelConfig, parameterTree, taskStagesOf } from './network/index.ts';
import { type StatisticsChoice, statisticsHash, statisticsOrigin } from './ownStatistics.ts';
import { requireStatisticsFit } from './statisticsFit.ts';

/** How its plans are executed and its stages voted on: options of `createSession`, the original's where left out. */
export const PolicySessionSchema = z.strictObject({
  executeActions: z.int().positive().exactOptional(),
  executeSteps: z.int().positive().exactOptional(),
  keepActions: z.int().min(0).exactOptional(),
  historyLength: z.int().positive().exactOptional(),
  votes: z.int().positive().exactOptional(),
});
export type PolicySession = z.infer<typeof PolicySessionSchema>;

/** How plans are made from this network: what training decided and serving must repeat. */
const PolicySettingsSchema = z.strictObject({
  /** Folder of the statistics below `assets/`. */
  assetId: z.string().min(1).default('household'),
  /** Euler steps from noise to actions. */
  samplingSteps: z.number().int().positive().default(20),
  /** Factor on the noise that plans start from: below 1 they keep closer to what is likeliest. */
  noiseScale: z.number().min(0).max(10).default(1),
  session: PolicySessionSchema.exactOptional(),
});
export type PolicySettings = z.infer<typeof PolicySettingsSchema>;

const ConfigFileSchema = z.object({
  format: z.literal(1),
  /** How the large matrices are kept: float32 in params.safetensors, or bytes in int8.safetensors. */
  dtype: z.enum(['float32', 'int8']).default('float32'),
  model: z.unknown(),
  /** The robot that it drives; the challenge's when left out, as in checkpoints of before robots were values. */
  robot: z.unknown().optional(),
  policy: PolicySettingsSchema,
});

/** What a session must know of a checkpoint: options of `createSession` by name. */
export interface CheckpointSession extends ModelStages, PolicySession {}
export const checkpointSession = ({ config, policy }: Pick<Checkpoint, 'config' | 'policy'>): CheckpointSession => ({
  ...taskStagesOf(config),
  ...policy.session,
});

/** A trained network with everything that is needed to plan with it. */
export interface Checkpoint {
  readonly config: ModelConfig;
  /** The robot that it drives. */
  readonly robot: Robot;
  readonly policy: PolicySettings;
  /**
   * The tree of the averaged weights, float32, left in their file (`loadParameters` reads them); of an int8 checkpoint,
   * the leaves that are not matrices.
   */
  readonly parameters: Weights;
  /** The matrices of an int8 checkpoint. */
  readonly quantised?: QuantisedMatrices;
  readonly normStats: ChunkStatistics;
  /** What it was trained on: data fingerprint, steps, seeds, versions. */
  readonly card: Readonly<Record<string, unknown>>;
}

export interface CheckpointContents {
  readonly config: ModelConfig;
  /** The robot that it drives; the challenge's when left out. */
  readonly robot?: Robot;
  /** The tree of float32 weights, in memory or had piece by piece. */
  readonly parameters: ReadonlyMap<string, Weight | PiecedArray>;
  readonly normStats: ChunkStatistics;
  readonly card: Readonly<Record<string, unknown>>;
  readonly policy?: z.input<typeof PolicySettingsSchema>;
  /** Files of the FAST vocabulary by name. */
  readonly fastTokenizer?: Readonly<Record<string, Uint8Array | string>>;
  /** Writes further files into the folder before it gets its name, such as `train.safetensors`. */
  readonly extra?: (folder: string) => Promise<void>;
}

/**
 * Writes a checkpoint folder: config.json, params.safetensors, assets/<assetId>/norm_stats.json (and fast_tokenizer/),
 * card.json (what `contents` says, and the hash of the statistics). Written aside and renamed: a reader sees all of it
 * or nothing. @throws InputError when `folder` exists, unless `replace`
 */
export async function writeCheckpoint(
  folder: string,
  contents: CheckpointContents,
  options: { replace?: boolean } = {},
): Promise<void> {
  const policy = PolicySettingsSchema.parse(contents.policy ?? {});
  const { robot = CHALLENGE_ROBOT } = contents;
  requireNetworkFit(folder, robot, contents.config);
  const parameters = checkedParameters(folder, contents.parameters, parameterTree(contents.config));
  await writeFolderAside(
    folder,
    async (at) => {
      const assets = join(at, 'assets', policy.assetId);
      await writeFileAside(
        join(at, 'config.json'),
        jsonText({ format: 1, model: contents.config, robot: robotRecord(robot), policy }),
      );
      const card = { ...contents.card, statistics: statisticsHash(contents.normStats) };
      await writeFileAside(join(at, 'card.json'), jsonText(card));
      await writeSafetensors(join(at, 'params.safetensors'), parameters);
      await writeNormStats(join(assets, 'norm_stats.json'), contents.normStats);
      for (const [name, data] of Object.entries(contents.fastTokenizer ?? {}))
        await writeFileAside(join(assets, 'fast_tokenizer', name), data);
      await contents.extra?.(at);
    },
    options,
  );
}

/**
 * Reads a checkpoint: its folder, a training folder, or the name of one that comes with the package
 * (`checkpointFolder`). @throws InputError that names the file and what is wrong with it, such as statistics that it
 * was not trained with
 */
export async function readCheckpoint(nameOrFolder: string, choice: StatisticsChoice = {}): Promise<Checkpoint> {
  const folder = checkpointFolder(nameOrFolder);
  const { dtype: _, ...parts } = await readCheckpointParts(folder);
  const file = join(folder, 'assets', parts.policy.assetId, 'norm_stats.json');
  const normStats = await readNormStats(file);
  requireStatisticsFit(file, normStats, parts.robot, parts.config);
  await statisticsOrigin(file, await recordedStatistics(folder), choice);
  return { ...parts, normStats };
}

/** A network takes and gives as many numbers as the robot has, at least, and sees no camera that it lacks. */
export function requireNetworkFit(where: string, robot: Robot, { actionDim, cameras }: ModelConfig): void {
  if (actionDim < robot.width)
    throw new InputError(
      where,
      `the network's actions have ${actionDim} numbers, the robot ${robot.name} needs ${robot.width}. ` +
        'Do model and robot belong together?',
    );
  const missing = cameras.find((camera) => !robot.cameraNames.includes(camera));
  if (missing !== undefined)
    throw new InputError(
      where,
      `the network sees a camera '${missing}' that the robot ${robot.name} does not have ` +
        `(it has ${robot.cameraNames.join(', ')}).`,
    );
}

/** A checkpoint without its statistics, which an imported one may not have yet. */
export interface CheckpointParts extends Omit<Checkpoint, 'normStats'> {
  readonly dtype: 'float32' | 'int8';
}

export async function readCheckpointParts(nameOrFolder: string): Promise<CheckpointParts> {
  const folder = checkpointFolder(nameOrFolder);
  await requireCheckpoint(folder);
  const configPath = join(folder, 'config.json');
  const { dtype, policy, model, robot: record } = await readJson(configPath, ConfigFileSchema);
  const config = modelConfig(model, configPath);
  const own = record === undefined ? CHALLENGE_ROBOT : parseRobot(record, `${configPath}: robot`);
  // Chunks are as long and as wide as the network's, whatever the robot's usual ones are.
  const robot = { ...own, horizon: config.actionHorizon, paddedWidth: Math.max(own.width, config.actionDim) };
  requireNetworkFit(configPath, robot, config);
  const parts = dtype === 'int8' ? int8Parts(config) : undefined;
  const weights = join(folder, 'params.safetensors');
  const tree = parameterTree(config).filter(({ name }) => !parts || parts.leaves.has(name));
  const [parameters, quantised, card] = await Promise.all([
    mapSafetensors(weights).then((found) => checkedParameters(weights, found, tree)),
    parts && readInt8(folder, parts),
    readJson(join(folder, 'card.json'), z.record(z.string(), z.unknown())),
  ]);
  return { dtype, config, robot, policy, parameters, ...(quantised && { quantised }), card };
}

/** The whole tree, to train from. @throws InputError for an int8 checkpoint */
export function requireFloats({ parameters, quantised }: Checkpoint): Weights {
  if (quantised)
    throw new InputError(
      'checkpoint',
      'holds its matrices as int8, which is for planning alone. Train from the float32 one.',
    );
  return parameters;
}

/** The whole tree in memory. @throws InputError for an int8 checkpoint */
export const loadParameters = async (checkpoint: Checkpoint): Promise<Parameters> =>
  loadWeights(requireFloats(checkpoint));

async function requireCheckpoint(folder: string): Promise<void> {
  const info = await stat(folder).catch(() => undefined);
  if (!info?.isDirectory())
    throw new InputError(folder, 'is no folder. A checkpoint is a folder with config.json and params.safetensors.');
  const names = await readdir(folder);
  for (const name of ['config.json', 'params.safetensors'])
    if (!names.includes(name))
      throw new InputError(
        folder,
        `is no Valet checkpoint: ${name} is missing (got ` +
          `${names.slice(0, 8).join(', ') || 'an empty folder'}). One of another program becomes one by valet import.`,
      );
}

/** The leaves of the tree, in its order; each must be there with the right shape, float32. */
function checkedParameters<W extends Weight | PiecedArray>(
  where: string,
  found: ReadonlyMap<string, W>,
  tree: readonly { name: string; shape: readonly number[] }[],
): Map<string, W> {
  const out = new Map<string, W>();
  const missing: string[] = [];
  for (const { name, shape } of tree) {
    const array: { shape: readonly number[]; dtype: DataType } | undefined = found.get(name);
    if (!array) {
      missing.push(name);
      continue;
    }
    if (String(array.shape) !== String(shape) || array.dtype !== 'float32')
      throw new InputError(
        where,
        `${name} is ${array.dtype} [${array.shape.join(', ')}] (expected float32 [${shape.join(', ')}]).`,
      );
    out.set(name, present(found.get(name), 'found.get(name)'));
  }
  if (missing.length > 0) {
    const near = nearest(present(missing[0], 'missing[0]'), found.keys());
    throw new InputError(
      where,
      `${missing.length} of ${missing.length + out.size} parameters are missing, first ` +
        `${missing[0]}${near ? ` (there is ${near})` : ''}. Do config.json and params.safetensors belong together?`,
    );
  }
  return out;
}
