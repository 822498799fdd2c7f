import { join } from 'node:path';
import type { ChunkStatistics, FastTokenizer } from '../action/index.ts';
import { InputError, parse, present } from '../base/index.ts';
import {
  type Lora,
  loraTree,
  type ModelConfig,
  mergedWhenRead,
  type PolicySettings,
  readCheckpoint,
  requireFloats,
  type StatisticsChoice,
  writeCheckpoint,
} from '../model/index.ts';
import type { Robot } from '../robot/index.ts';
import {
  mapSafetensors,
  type PiecedArray,
  readSafetensorsHeader,
  type Weight,
  type Weights,
  writeSafetensors,
} from '../tensor/index.ts';
import { type Carried, CarriedText, carriedText } from './carried.ts';
import { fastFolder } from './fastTokens.ts';
import type { TrainerStart } from './trainerOptions.ts';

/**
 * The optimiser's part of a checkpoint: the trained parameters and AdamW's moments, and the average of adapters. The
 * other averaged weights, and what is not trained, are the checkpoint's own `params.safetensors`.
 */
const TRAINING_FILE = 'train.safetensors';
const KINDS = ['parameters', 'm', 'v'] as const;

/** What a checkpoint keeps of a trainer: its snapshot, in memory or had piece by piece, its adapters in memory. */
export interface SavedState extends Record<(typeof KINDS)[number] | 'ema', ReadonlyMap<string, Weight | PiecedArray>> {
  readonly step: number;
}

/** What a run goes on from. Weights lie in the checkpoint's files. */
export interface ResumePoint extends Required<TrainerStart> {
  /** Leaves that are not trained, as the checkpoint has them; not those that adapters are of. */
  readonly frozen: Weights;
  readonly carried: Carried;
  readonly model: ModelConfig;
  readonly robot: Robot;
  readonly statistics: ChunkStatistics;
  readonly policy: PolicySettings;
}

export interface CheckpointContent {
  readonly model: ModelConfig;
  /** Adapters among what is trained. */
  readonly lora: Lora | null;
  /** The leaves that are not trained, as they were when the run began. */
  readonly frozen: Weights;
  readonly robot: Robot;
  readonly statistics: ChunkStatistics;
  readonly policy: Omit<PolicySettings, 'assetId'>;
  readonly tokenizer?: FastTokenizer | undefined;
  readonly card: Record<string, unknown>;
  readonly carried: Carried;
}

/**
 * Writes a checkpoint folder that serves (averaged weights, adapters merged into them) and that a run can go on from;
 * under a temporary name first.
 */
export async function saveTrainingCheckpoint(
  path: string,
  snapshot: SavedState,
  content: CheckpointContent,
): Promise<void> {
  const { model, robot, statistics, tokenizer, policy, card, carried, lora, frozen } = content;
  const arrays = new Map<string, Weight | PiecedArray>();
  for (const kind of KINDS) for (const [name, array] of snapshot[kind]) arrays.set(`${kind}/${name}`, array);
  for (const { name } of lora ? loraTree(model, lora) : [])
    arrays.set(`ema/${name}`, present(snapshot.ema.get(name), name));
  const adapters = snapshot.ema as Weights;
  const merged = lora ? mergedWhenRead(model, lora, { base: frozen, adapters }) : [];
  const parameters = new Map([...snapshot.ema, ...frozen, ...merged]);
  await writeCheckpoint(
    path,
    {
      config: model,
      robot,
      parameters,
      normStats: statistics,
      card,
      policy,
      extra: async (folder) => {
        const metadata = { step: String(snapshot.step), ...carriedText(carried) };
        await writeSafetensors(join(folder, TRAINING_FILE), arrays, metadata);
        await tokenizer?.save(fastFolder(folder));
      },
    },
    { replace: true },
  );
}

/** The step that a checkpoint's training state is of. @throws InputError when it does not say */
export const readTrainingStep = async (path: string): Promise<number> => (await readTrainingMetadata(path)).step;

/** What stands beside the arrays. */
async function readTrainingMetadata(path: string): Promise<{ step: number; carried: Carried }> {
  const file = join(path, TRAINING_FILE);
  const { metadata } = await readSafetensorsHeader(file);
  const step = Number(metadata['step']);
  if (!Number.isInteger(step)) throw new InputError(file, `does not say its step (got ${metadata['step']}).`);
  return { step, carried: parse(file, CarriedText, metadata) };
}

/** @throws InputError when the folder is no checkpoint that training can go on from */
export async function readTrainingCheckpoint(path: string, choice: StatisticsChoice = {}): Promise<ResumePoint> {
  const checkpoint = await readCheckpoint(path, choice);
  const { step, carried } = await readTrainingMetadata(path);
  const arrays = await mapSafetensors(join(path, TRAINING_FILE));
  const tree = (kind: string): Weights =>
    new Map(
      [...arrays].flatMap(([name, array]) =>
        name.startsWith(`${kind}/`) ? [[name.slice(kind.length + 1), array]] : [],
      ),
    );
  const [parameters, m] = [tree('parameters'), tree('m')];
  // Checkpoints of before adapters hold the frozen parameters, too.
  const trained = (name: string) => m.has(name);
  const [ema, frozen] = split(requireFloats(checkpoint), trained);
  return {
    ...{ step, carried, m, frozen },
    parameters: split(parameters, trained)[0],
    v: tree('v'),
    ema: new Map([...ema, ...tree('ema')]),
    model: checkpoint.config,
    robot: checkpoint.robot,
    statistics: checkpoint.normStats,
    policy: checkpoint.policy,
  };
}

/** The arrays whose names fit, and the others. */
function split(tree: Weights, fits: (name: string) => boolean): [Weights, Weights] {
  const all = [...tree];
  return [new Map(all.filter(([name]) => fits(name))), new Map(all.filter(([name]) => !fits(name)))];
}
